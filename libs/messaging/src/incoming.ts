// Reads a Kafka message: the envelope from the CloudEvents headers, the payload from JSON. A malformed message has a
// fault.
import { uuidFromParts } from '@gravity/kernel';
import type { KafkaMessage } from 'kafkajs';
import type { EventEnvelope } from './event';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A message as the consumer received it. */
export interface Incoming {
  readonly envelope: EventEnvelope;
  /** Parsed JSON; undefined when there is a fault. */
  readonly payload: unknown;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The reason for which no handler can read it; it becomes a dead letter at once. */
  readonly fault: string | undefined;
}

/** Checks a payload against the schema of its type; returns the fault, or undefined. */
export type ValidatePayload = (type: string, payload: unknown) => string | undefined;

/** Reads one message. Never throws: a malformed message has a fault. */
export function readMessage(
  at: { topic: string; partition: number },
  message: Pick<KafkaMessage, 'key' | 'value' | 'headers' | 'offset'>,
): Incoming {
  const headers = textHeaders(message.headers);
  const { envelope, fault } = readEnvelope(at, message, headers);
  const text = message.value?.toString('utf8') ?? '';
  if (fault !== undefined) return { envelope, headers, text, payload: undefined, fault };
  return { envelope, headers, text, ...parse(text) };
}

/** The same message, with the fault that the schema check finds. */
export function validated(message: Incoming, validate: ValidatePayload | undefined): Incoming {
  if (message.fault !== undefined || validate === undefined) return message;
  const fault = validate(message.envelope.type, message.payload);
  return fault === undefined ? message : { ...message, fault: `the payload does not match its schema: ${fault}` };
}

/** Parses the text of a payload. Never throws. */
export function parse(text: string): { payload: unknown; fault: string | undefined } {
  try {
    return { payload: JSON.parse(text), fault: undefined };
  } catch {
    return { payload: undefined, fault: text === '' ? 'the message has no payload' : 'the payload is not JSON' };
  }
}

function readEnvelope(
  at: { topic: string; partition: number },
  message: Pick<KafkaMessage, 'key' | 'offset'>,
  headers: Readonly<Record<string, string>>,
): { envelope: EventEnvelope; fault: string | undefined } {
  const id = headers['ce_id'];
  const type = headers['ce_type'];
  const envelope: EventEnvelope = {
    eventId: eventIdOf(id, headers['ce_source'], at, message.offset),
    type: type ?? '',
    topic: at.topic,
    partition: at.partition,
    offset: message.offset,
    key: message.key?.toString('utf8') ?? null,
    source: headers['ce_source'],
    time: headers['ce_time'],
    traceparent: headers['traceparent'],
  };
  const missing = [id === undefined ? 'ce_id' : undefined, type === undefined ? 'ce_type' : undefined].filter(Boolean);
  return {
    envelope,
    fault: missing.length === 0 ? undefined : `the message has no ${missing.join(' and no ')} header`,
  };
}

/**
 * Ids of CloudEvents are any text, unique per source; ours are uuids. A message without an id gets one from its offset.
 */
function eventIdOf(
  id: string | undefined,
  source: string | undefined,
  at: { topic: string; partition: number },
  offset: string,
): string {
  if (id !== undefined && UUID.test(id)) return id.toLowerCase();
  if (id !== undefined) return uuidFromParts('cloudevent', source ?? at.topic, id);
  return uuidFromParts('kafka-message', at.topic, String(at.partition), offset);
}

function textHeaders(headers: KafkaMessage['headers']): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) texts[name] = first.toString('utf8');
  }
  return texts;
}
