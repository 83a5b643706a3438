// An event on its way: a row of the outbox, then a Kafka message whose headers are the CloudEvents attributes (binary
// mode, https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md).
import { assert, toRfc3339 } from '@gravity/kernel';

/** Longest payload. It is far below the broker's limit of 1 MiB per batch, so that no event stops the relay. */
export const EVENT_PAYLOAD_CHARS_MAX = 262_144;

/** A fact to be published, as the code that writes it describes it. */
export interface OutboxEvent {
  /** A uuid, new for each event. */
  readonly eventId: string;
  /** `<service>.<aggregate>`, without the prefix of the deployment. */
  readonly topic: string;
  /** The aggregate's id: events of one key keep their order. */
  readonly key: string;
  /** `<service>.<aggregate>.<past-tense>.v1` */
  readonly type: string;
  /** JSON text. */
  readonly payload: string;
  /** W3C trace context of the cause; the active span's when left out. */
  readonly traceparent?: string | undefined;
  readonly occurredAtMs: number;
}

/** The attributes of an event that a consumer receives beside its payload. */
export interface EventEnvelope {
  readonly eventId: string;
  readonly type: string;
  /** Topic without the prefix of the deployment. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string | null;
  readonly source: string | undefined;
  /** RFC 3339. */
  readonly time: string | undefined;
  readonly traceparent: string | undefined;
}

/** A row of the outbox, as it is sent to the broker. */
export interface PublishedEvent {
  readonly eventId: string;
  readonly topic: string;
  readonly key: string;
  readonly type: string;
  readonly payload: string;
  readonly traceparent: string | null;
  readonly occurredAtMs: number;
}

/** The topic of an event type: `orders.order` for `orders.order.placed.v1`. */
export function topicOfType(type: string): string {
  const [service, aggregate, ...rest] = type.split('.');
  assert(service && aggregate && rest.length >= 1, `not an event type: ${type}`);
  return `${service}.${aggregate}`;
}

/**
 * The CloudEvents attributes that consumers need, as Kafka headers. Each header costs time per event, so there are few;
 * the content type is left out, because every payload is JSON.
 */
export function cloudEventHeaders(event: PublishedEvent): Record<string, string> {
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: event.eventId,
    ce_type: event.type,
    ce_source: `/${event.type.slice(0, event.type.indexOf('.'))}`,
    ce_time: toRfc3339(event.occurredAtMs),
  };
  if (event.traceparent !== null) headers['traceparent'] = event.traceparent;
  return headers;
}
