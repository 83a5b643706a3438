// The AsyncAPI 3 document of all published events, made from the event catalogue, so the two cannot disagree.
import { EVENTS, EVENT_TOPICS, type EventType, isEventType, readerSchema } from './registry';

/** Options of the document. */
export interface AsyncApiOptions {
  readonly version?: string;
  /** An example payload by event type. */
  readonly samples?: Readonly<Record<string, unknown>>;
}

const text = (description: string) => ({ type: 'string', description });

/** CloudEvents 1.0 in Kafka's binary mode: the attributes are message headers. */
const HEADERS = {
  type: 'object',
  required: ['ce_id', 'ce_type', 'ce_source', 'ce_time', 'ce_specversion'],
  properties: {
    ce_id: text('Id of the event. A consumer applies each id once.'),
    ce_type: text('Event type and version'),
    ce_source: text('The service that published the event'),
    ce_time: { ...text('When it happened'), format: 'date-time' },
    ce_specversion: { type: 'string', const: '1.0' },
    traceparent: text('W3C trace context of the request that caused the event'),
  },
};

/** The AsyncAPI 3.0 document: a channel per topic, a message per event type, one `send` operation per channel. */
export function asyncApiDocument(options: AsyncApiOptions = {}): Record<string, unknown> {
  const types = Object.keys(EVENTS).filter(isEventType);
  const channels = EVENT_TOPICS.map((topic) => [topic, channel(topic, typesOf(types, topic))] as const);
  const operations = EVENT_TOPICS.map((topic) => [`publish.${topic}`, operation(topic)] as const);
  const messages = types.map((type) => [type, message(type, options.samples?.[type])] as const);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Gravity events',
      version: options.version ?? '0.1.0',
      description:
        'Facts published to Kafka as CloudEvents in binary mode, keyed by aggregate id and ordered per aggregate. ' +
        'Delivery is at least once: apply each ce_id once. Readers must accept members that they do not know. ' +
        'A deployment may put a prefix before every topic name.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(channels),
    operations: Object.fromEntries(operations),
    components: { messages: Object.fromEntries(messages), schemas: { CloudEventHeaders: HEADERS } },
  };
}

function typesOf(types: readonly EventType[], topic: string): EventType[] {
  return types.filter((type) => EVENTS[type].topic === topic);
}

function channel(topic: string, types: readonly EventType[]): Record<string, unknown> {
  return {
    address: topic,
    description: `Events of ${topic}, keyed by ${EVENTS[types[0]!].key}.`,
    messages: Object.fromEntries(types.map((type) => [type, { $ref: `#/components/messages/${type}` }])),
  };
}

function operation(topic: string): Record<string, unknown> {
  return {
    action: 'send',
    channel: { $ref: `#/channels/${topic}` },
    summary: `The ${topic.split('.')[0]} service publishes what happened to each ${topic.split('.')[1]}.`,
  };
}

function message(type: EventType, sample: unknown): Record<string, unknown> {
  return {
    name: type,
    title: type,
    summary: EVENTS[type].description,
    contentType: 'application/json',
    headers: { $ref: '#/components/schemas/CloudEventHeaders' },
    payload: {
      schemaFormat: 'application/schema+json;version=draft-07',
      schema: withoutDialect(readerSchema(EVENTS[type].schema)),
    },
    ...(sample === undefined ? {} : { examples: [{ name: 'example', payload: sample }] }),
  };
}

// The schemas use only keywords with the same meaning in 2020-12 and in draft-07, the dialect of AsyncAPI tools.
function withoutDialect(schema: unknown): unknown {
  const { $schema: _dialect, ...rest } = schema as Record<string, unknown>;
  return rest;
}
