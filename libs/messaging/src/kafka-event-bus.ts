// The event bus over kafkajs: batches only, idempotent, one request in flight, all replicas acknowledge.
import type { Kafka, Producer, TopicMessages } from 'kafkajs';
import { cloudEventHeaders, type PublishedEvent } from './event';
import type { EventBus, TopicSpec } from './event-bus';
import { createKafka, kafkaErrorType, type KafkaConnection } from './kafka-client';
import { keyPartitioner } from './kafkajs/partitioner';
import { type MessagingLog, SILENT_LOG } from './log';

const DEFAULT_PARTITIONS = 6;
/** The broker takes at most 1 MiB in one partition's batch. */
const SEND_BYTES_MAX = 900_000;
const HEADER_BYTES_ESTIMATE = 400;
const HEALTH_TOPICS: string[] = [];

export interface KafkaEventBusOptions extends KafkaConnection {
  /** Topics that are created before the first event, and again when the broker does not know them. */
  readonly topics?: readonly TopicSpec[];
  /** Partitions of topics that are missing and not listed. */
  readonly defaultPartitions?: number;
  readonly replicationFactor?: number;
  readonly log?: MessagingLog;
}

/** Publishes to Kafka with one idempotent producer, which connects at the first event and again after a failure. */
export class KafkaEventBus implements EventBus {
  private readonly kafka: Kafka;
  private readonly prefix: string;
  private producer: Promise<Producer> | undefined;

  constructor(private readonly options: KafkaEventBusOptions) {
    this.kafka = createKafka(options, options.log ?? SILENT_LOG);
    this.prefix = options.topicPrefix ?? '';
  }

  async publish(events: readonly PublishedEvent[]): Promise<void> {
    for (let from = 0; from < events.length;) {
      const to = chunkEnd(events, from);
      await this.send(events.slice(from, to));
      from = to;
    }
  }

  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    if (specs.length === 0) return;
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      const known = new Set(await admin.listTopics());
      const missing = specs.filter(({ topic }) => !known.has(this.prefix + topic));
      if (missing.length === 0) return;
      // Resolves to false when another process has created them first.
      await admin.createTopics({
        waitForLeaders: true,
        topics: missing.map(({ topic, partitions, replicationFactor }) => ({
          topic: this.prefix + topic,
          numPartitions: partitions,
          replicationFactor: replicationFactor ?? this.options.replicationFactor ?? 1,
        })),
      });
    } finally {
      await admin.disconnect();
    }
  }

  async healthy(): Promise<boolean> {
    const admin = this.kafka.admin({ retry: { retries: 0 } });
    try {
      await admin.connect();
      await admin.fetchTopicMetadata({ topics: HEALTH_TOPICS });
      return true;
    } catch {
      return false;
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    const producer = this.producer;
    this.producer = undefined;
    await (await producer?.catch(() => undefined))?.disconnect();
  }

  private async send(events: readonly PublishedEvent[]): Promise<void> {
    const producer = await this.connected();
    try {
      await producer.sendBatch({ acks: -1, topicMessages: this.byTopic(events) });
    } catch (error) {
      // A batch without an answer may have been written. The broker recognises a repetition by its sequence numbers
      // only. The next batch of this producer would reuse them with other content, and the broker would drop it.
      this.dropProducer();
      if (kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') await this.createTopicsOf(events);
      throw error;
    }
  }

  private async connected(): Promise<Producer> {
    this.producer ??= this.connect();
    try {
      return await this.producer;
    } catch (error) {
      this.producer = undefined;
      throw error;
    }
  }

  private async connect(): Promise<Producer> {
    await this.ensureTopics(this.options.topics ?? []);
    const producer = this.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: keyPartitioner,
    });
    await producer.connect();
    return producer;
  }

  private dropProducer(): void {
    const producer = this.producer;
    this.producer = undefined;
    void producer?.then((connected) => connected.disconnect()).catch(() => undefined);
  }

  private async createTopicsOf(events: readonly PublishedEvent[]): Promise<void> {
    const listed = new Map((this.options.topics ?? []).map((spec) => [spec.topic, spec]));
    const partitions = this.options.defaultPartitions ?? DEFAULT_PARTITIONS;
    const topics = [...new Set(events.map(({ topic }) => topic))];
    await this.ensureTopics(topics.map((topic) => listed.get(topic) ?? { topic, partitions }));
  }

  private byTopic(events: readonly PublishedEvent[]): TopicMessages[] {
    const topics = new Map<string, TopicMessages['messages']>();
    for (const event of events) {
      let messages = topics.get(event.topic);
      if (!messages) topics.set(event.topic, (messages = []));
      messages.push({ key: event.key, value: event.payload, headers: cloudEventHeaders(event) });
    }
    return [...topics].map(([topic, messages]) => ({ topic: this.prefix + topic, messages }));
  }
}

/** The end of the request that starts at `from`. It holds at least one event. */
function chunkEnd(events: readonly PublishedEvent[], from: number): number {
  let bytes = 0;
  let to = from;
  while (to < events.length) {
    bytes += Buffer.byteLength(events[to]!.payload) + HEADER_BYTES_ESTIMATE;
    if (to > from && bytes > SEND_BYTES_MAX) break;
    to += 1;
  }
  return to;
}
