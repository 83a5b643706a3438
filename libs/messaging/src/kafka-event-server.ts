// A Nest transport that consumes events. Each service has one, and a symbol binds it to its handlers, so that several
// services run in one process. Offsets are committed after the Postgres transaction, never before.
import { backoffMs, monotonicMs, sleep } from '@gravity/kernel';
import { SpanKind, tracingEnabled, withSpan } from '@gravity/observability';
import type { Database } from '@gravity/persistence';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import { BatchHeartbeat } from './batch-heartbeat';
import { ChunkMerger } from './chunk-merger';
import { countChunk, setLag } from './consumer-metrics';
import { topicOfType } from './event';
import { HandlerRegistry } from './handlers';
import { type Heartbeat, InterruptedError } from './heartbeat';
import { type Incoming, readMessage, type ValidatePayload } from './incoming';
import { createKafka, type KafkaConnection } from './kafka-client';
import { KafkaEventBus } from './kafka-event-bus';
import { type MessagingLog, reasonOf, SILENT_LOG } from './log';
import { MessageProcessor } from './message-processor';
import { OffsetCommits } from './offset-commits';
import { ReplayLoop } from './replay-loop';

/** Messages of one transaction. */
const CHUNK_MAX = 500;
/** Partitions of a fetch that kafkajs passes on at once; their messages share transactions. */
const CONCURRENT_PARTITIONS_MAX = 32;
const DEFAULT_ATTEMPTS_MAX = 3;
const DEFAULT_PARTITIONS = 6;
const SESSION_TIMEOUT_MS = 15_000;
const HEARTBEAT_INTERVAL_MS = 2_000;
/** A rebalance and a stop wait for the running fetch, so it is short. */
const FETCH_WAIT_MS = 200;
const BACKOFF_BASE_MS = 200;
const BACKOFF_MAX_MS = 5_000;
const COMMIT_TIMEOUT_MS = 2_000;
const DISCONNECT_TIMEOUT_MS = 10_000;
/** A consumer that neither fetches nor sends heartbeats for this long has stopped without an error. */
const SILENCE_MAX_MS = 60_000;
const WATCH_EVERY_MS = 5_000;

/** Options of a consumer. */
export interface KafkaEventServerOptions extends KafkaConnection {
  /** Binds `@OnEvent` methods (see `bindEventHandlers`) and `@EventPattern(type, id)` methods to this server. */
  readonly transportId: symbol;
  /** Name in inbox, dead letters and metrics; behind the prefix, also the consumer group. Never change it. */
  readonly consumer: string;
  readonly groupId?: string;
  readonly database: Database;
  /** Schema check; a message that fails it becomes a dead letter at once. */
  readonly validate?: ValidatePayload;
  readonly attemptsMax?: number;
  /** Partitions of topics that do not exist. */
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly sessionTimeoutMs?: number;
  readonly log?: MessagingLog;
}

/**
 * Consumes the topics of its handlers in one consumer group. A message whose attempts fail becomes a dead letter, and
 * the messages of other keys go on. Delivery is at least once; the inbox keeps an effect from happening twice.
 */
export class KafkaEventServer extends Server implements CustomTransportStrategy {
  override readonly transportId: symbol;
  /** Nest passes failures of handlers on to this class. By default it logs and drops them. */
  override readonly propagatesEventHandlerErrors = true;
  private readonly handlers = new HandlerRegistry();
  private readonly log: MessagingLog;
  private readonly prefix: string;
  private readonly processor: MessageProcessor;
  private readonly merger: ChunkMerger;
  private readonly replay: ReplayLoop;
  private readonly stopping = new AbortController();
  private supervision: Promise<void> | undefined;
  private consumer: Consumer | undefined;
  private joined = false;
  private lastHeartbeatMs = 0;

  constructor(private readonly options: KafkaEventServerOptions) {
    super();
    this.transportId = options.transportId;
    this.log = options.log ?? SILENT_LOG;
    this.prefix = options.topicPrefix ?? '';
    const shared = { ...options, handlers: this.handlers, log: this.log };
    this.processor = new MessageProcessor({ ...shared, attemptsMax: options.attemptsMax ?? DEFAULT_ATTEMPTS_MAX });
    this.merger = new ChunkMerger((topic, messages, heartbeat) => this.apply(topic, messages, heartbeat), CHUNK_MAX);
    this.replay = new ReplayLoop(shared);
  }

  /** True while this process is a member of the consumer group. */
  get ready(): boolean {
    return this.joined;
  }

  /**
   * Nest chains the handlers of one pattern and runs them at once. Here they share a transaction, one after another.
   */
  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    const type = this.normalizePattern(pattern as string);
    callback.isEventHandler = isEventHandler;
    callback.extras = extras;
    if (!this.messageHandlers.has(type)) this.messageHandlers.set(type, callback);
    this.handlers.add(type, callback, { batch: extras['batch'] === true });
  }

  /** Starts consuming in the background. Kafka and Postgres may be down. */
  listen(callback: (error?: unknown) => void): void {
    if (this.handlers.types.length > 0 && !this.supervision) {
      this.supervision = this.supervise();
      this.replay.start();
    }
    callback();
  }

  /** Finishes the current chunk, commits it and leaves the group. */
  async close(): Promise<void> {
    this.stopping.abort();
    await Promise.all([this.supervision, this.supervision && this.replay.stop()]);
  }

  on(): void {
    throw new Error('this transport has no events of its own');
  }

  unwrap<T>(): T {
    return this.consumer as T;
  }

  /** Runs one consumer after another until `close`: kafkajs ends a consumer for good after some errors. */
  private async supervise(): Promise<void> {
    for (let failures = 0; !this.stopping.signal.aborted;) {
      const error = await this.runConsumer().catch((reason: unknown) => reason);
      failures = this.joined ? 1 : failures + 1;
      this.joined = false;
      await this.disconnect();
      if (this.stopping.signal.aborted) return;
      this.log.warn('consumer stopped, starting again', {
        consumer: this.options.consumer,
        error: reasonOf(error),
        failures,
      });
      await sleep(backoffMs(failures, BACKOFF_BASE_MS, BACKOFF_MAX_MS), this.stopping.signal);
    }
  }

  /** Resolves with the reason for which the consumer ended. */
  private async runConsumer(): Promise<unknown> {
    const topics = [...new Set(this.handlers.types.map(topicOfType))];
    await this.createTopics(topics);
    const kafka = createKafka(this.options, this.log);
    const consumer = kafka.consumer({
      groupId: this.prefix + (this.options.groupId ?? this.options.consumer),
      sessionTimeout: this.options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
      heartbeatInterval: Math.min(HEARTBEAT_INTERVAL_MS, (this.options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS) / 4),
      maxWaitTimeInMs: FETCH_WAIT_MS,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: async () => false },
    });
    this.consumer = consumer;
    const commits = new OffsetCommits(this.log);
    const ended = this.endOf(consumer);
    await consumer.connect();
    await consumer.subscribe({ topics: topics.map((topic) => this.prefix + topic), fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT_PARTITIONS_MAX,
      eachBatch: (batch) => this.eachBatch(batch, commits),
    });
    const reason = await ended;
    // A batch that runs at this moment commits when it ends.
    await Promise.race([commits.flush(), sleep(COMMIT_TIMEOUT_MS)]);
    return reason;
  }

  /** Resolves on a crash, on silence, or when this server closes. */
  private endOf(consumer: Consumer): Promise<unknown> {
    const beat = (): void => {
      this.lastHeartbeatMs = monotonicMs();
    };
    beat();
    consumer.on(consumer.events.GROUP_JOIN, () => {
      this.joined = true;
      beat();
    });
    consumer.on(consumer.events.FETCH, beat);
    consumer.on(consumer.events.HEARTBEAT, beat);
    return new Promise((resolve) => {
      const watch = setInterval(() => {
        if (monotonicMs() - this.lastHeartbeatMs > SILENCE_MAX_MS)
          finish(new Error('the consumer sends no heartbeats'));
      }, WATCH_EVERY_MS);
      const finish = (reason: unknown): void => {
        clearInterval(watch);
        this.stopping.signal.removeEventListener('abort', close);
        resolve(reason);
      };
      const close = (): void => finish(undefined);
      consumer.on(consumer.events.CRASH, ({ payload }) => finish(payload.error));
      this.stopping.signal.addEventListener('abort', close, { once: true });
      if (this.stopping.signal.aborted) close();
    });
  }

  private async eachBatch(payload: EachBatchPayload, commits: OffsetCommits): Promise<void> {
    const { batch } = payload;
    const at = { topic: batch.topic.slice(this.prefix.length), partition: batch.partition };
    const onSent = (): number => (this.lastHeartbeatMs = monotonicMs());
    const heartbeat = new BatchHeartbeat(payload, this.stopping.signal, onSent);
    const stopHeartbeat = heartbeat.start(HEARTBEAT_INTERVAL_MS);
    try {
      for (let from = 0; from < batch.messages.length && heartbeat.alive(); from += CHUNK_MAX) {
        const chunk = batch.messages.slice(from, from + CHUNK_MAX);
        const messages = chunk.map((message) => readMessage(at, message));
        await this.merger.submit(at.topic, messages, heartbeat);
        payload.resolveOffset(chunk[chunk.length - 1]!.offset);
        commits.note(payload);
      }
    } catch (error) {
      // Kafka delivers the rest again, to this process or to the next owner of the partition.
      if (!(error instanceof InterruptedError)) throw error;
    } finally {
      stopHeartbeat();
    }
    if (this.stopping.signal.aborted) await commits.flush();
    heartbeat.rethrow();
    setLag(this.options.consumer, at.topic, at.partition, Number(batch.offsetLag()));
  }

  private async apply(topic: string, messages: readonly Incoming[], heartbeat: Heartbeat): Promise<void> {
    const startedMs = monotonicMs();
    const attributes = { 'messaging.destination.name': topic, 'messaging.batch.message_count': messages.length };
    const outcome = await withSpan(
      `${this.options.consumer} consume ${topic}`,
      attributes,
      () => this.processor.process(messages, heartbeat),
      tracingEnabled() ? { kind: SpanKind.CONSUMER, ...causesOf(messages) } : {},
    );
    countChunk(this.options.consumer, topic, outcome, (monotonicMs() - startedMs) / 1_000);
  }

  private async createTopics(topics: readonly string[]): Promise<void> {
    const bus = new KafkaEventBus({ ...this.options, log: this.log });
    const partitions = this.options.partitions ?? DEFAULT_PARTITIONS;
    await bus.ensureTopics(topics.map((topic) => ({ topic, partitions })));
  }

  private async disconnect(): Promise<void> {
    const consumer = this.consumer;
    this.consumer = undefined;
    if (!consumer) return;
    const timer = new AbortController();
    const failed = (error: unknown): void => this.log.debug('consumer did not disconnect', { error: reasonOf(error) });
    await Promise.race([consumer.disconnect().catch(failed), sleep(DISCONNECT_TIMEOUT_MS, timer.signal)]);
    timer.abort();
  }
}

/** A single message continues its trace. A batch links to the traces of all its messages. */
function causesOf(messages: readonly Incoming[]): { parent?: string | undefined; links?: string[] } {
  if (messages.length === 1) return { parent: messages[0]!.envelope.traceparent };
  return { links: messages.flatMap(({ envelope }) => envelope.traceparent ?? []) };
}
