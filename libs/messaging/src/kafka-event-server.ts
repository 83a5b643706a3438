// A Nest transport that consumes events: one per service, bound to its handlers by a symbol, so that several services
// can live in one process. Offsets are committed after the Postgres transaction, never before.
import { backoffMs, monotonicMs, sleep } from '@gravity/kernel';
import { SpanKind, tracingEnabled, withSpan } from '@gravity/observability';
import type { Database } from '@gravity/persistence';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import { ChunkMerger } from './chunk-merger';
import { countChunk, setLag } from './consumer-metrics';
import { topicOfType } from './event';
import { HandlerRegistry } from './handlers';
import { type Incoming, readMessage, type ValidatePayload } from './incoming';
import { createKafka, type KafkaConnection } from './kafka-client';
import { KafkaEventBus } from './kafka-event-bus';
import { type MessagingLog, reasonOf, SILENT_LOG } from './log';
import { MessageProcessor } from './message-processor';
import { BatchPulse } from './batch-pulse';
import { OffsetCommits } from './offset-commits';
import { Interrupted, type Pulse } from './pulse';
import { ReplayLoop } from './replay-loop';

/** Messages of one transaction. */
const CHUNK_MAX = 500;
/** So many partitions of a fetch are handed to us at once; their messages share transactions. */
const PARTITIONS_AT_ONCE = 32;
const DEFAULT_ATTEMPTS = 3;
const DEFAULT_PARTITIONS = 6;
const SESSION_TIMEOUT_MS = 15_000;
const HEARTBEAT_INTERVAL_MS = 2_000;
/** A rebalance and a stop wait for the running fetch, so it must be short. */
const FETCH_WAIT_MS = 200;
const BACKOFF_BASE_MS = 200;
const BACKOFF_MAX_MS = 5_000;
const COMMIT_WITHIN_MS = 2_000;
const DISCONNECT_TIMEOUT_MS = 10_000;
/** A consumer that neither fetches nor works for this long has stopped without saying so. */
const SILENCE_MAX_MS = 60_000;
const WATCH_EVERY_MS = 5_000;

export interface KafkaEventServerOptions extends KafkaConnection {
  /** Binds `@OnEvent` methods (see `bindEventHandlers`) and `@EventPattern(type, id)` methods to this server. */
  readonly transportId: symbol;
  /** Name in inbox, parking and metrics; also the consumer group, behind the prefix. Never change it. */
  readonly consumer: string;
  readonly groupId?: string;
  readonly database: Database;
  /** Schema check; a message that fails it is parked at once. */
  readonly validate?: ValidatePayload;
  readonly attemptsMax?: number;
  /** For topics that do not exist yet. */
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly sessionTimeoutMs?: number;
  readonly log?: MessagingLog;
}

/**
 * Consumes the topics of its handlers in one consumer group. A message that goes on failing is parked, so that those
 * behind it arrive. Delivery is at least once; the inbox keeps an effect from happening twice.
 */
export class KafkaEventServer extends Server implements CustomTransportStrategy {
  override readonly transportId: symbol;
  /** Failures come back to us instead of being logged and dropped by Nest. */
  override readonly propagatesEventHandlerErrors = true;
  private readonly handlers = new HandlerRegistry();
  private readonly log: MessagingLog;
  private readonly prefix: string;
  private readonly processor: MessageProcessor;
  private readonly merger: ChunkMerger;
  private readonly replay: ReplayLoop;
  private readonly ending = new AbortController();
  private supervision: Promise<void> | undefined;
  private consumer: Consumer | undefined;
  private joined = false;
  private signOfLifeMs = 0;

  constructor(private readonly options: KafkaEventServerOptions) {
    super();
    this.transportId = options.transportId;
    this.log = options.log ?? SILENT_LOG;
    this.prefix = options.topicPrefix ?? '';
    const shared = { ...options, handlers: this.handlers, log: this.log };
    this.processor = new MessageProcessor({ ...shared, attemptsMax: options.attemptsMax ?? DEFAULT_ATTEMPTS });
    this.merger = new ChunkMerger((topic, messages, pulse) => this.apply(topic, messages, pulse), CHUNK_MAX);
    this.replay = new ReplayLoop(shared);
  }

  /** True while this process is a member of the consumer group. */
  get ready(): boolean {
    return this.joined;
  }

  /** Nest would chain handlers of one pattern and run them at once; here they share a transaction, so one after another. */
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

  /** Starts consuming in the background; neither Kafka nor Postgres has to be up. */
  listen(callback: (error?: unknown) => void): void {
    if (this.handlers.types.length > 0 && !this.supervision) {
      this.supervision = this.supervise();
      this.replay.start();
    }
    callback();
  }

  /** Finishes the chunk in hand, commits it and leaves the group. */
  async close(): Promise<void> {
    this.ending.abort();
    await Promise.all([this.supervision, this.supervision && this.replay.stop()]);
  }

  on(): void {
    throw new Error('this transport has no events of its own');
  }

  unwrap<T>(): T {
    return this.consumer as T;
  }

  /** Runs consumers one after another until the end: kafkajs gives some errors up for good, and we do not. */
  private async supervise(): Promise<void> {
    for (let failures = 0; !this.ending.signal.aborted;) {
      const error = await this.runConsumer().catch((reason: unknown) => reason);
      failures = this.joined ? 1 : failures + 1;
      this.joined = false;
      await this.disconnect();
      if (this.ending.signal.aborted) return;
      this.log.warn('consumer stopped, starting again', {
        consumer: this.options.consumer,
        error: reasonOf(error),
        failures,
      });
      await sleep(backoffMs(failures, BACKOFF_BASE_MS, BACKOFF_MAX_MS), this.ending.signal);
    }
  }

  /** Resolves with the reason for which the consumer cannot go on. */
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
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch: (batch) => this.eachBatch(batch, commits),
    });
    const reason = await ended;
    // A batch that is still under way commits for itself when it ends.
    await Promise.race([commits.flush(), sleep(COMMIT_WITHIN_MS)]);
    return reason;
  }

  /** Resolves on a crash, on silence, or when this server is closed. */
  private endOf(consumer: Consumer): Promise<unknown> {
    const alive = (): void => {
      this.signOfLifeMs = monotonicMs();
    };
    alive();
    consumer.on(consumer.events.GROUP_JOIN, () => {
      this.joined = true;
      alive();
    });
    consumer.on(consumer.events.FETCH, alive);
    consumer.on(consumer.events.HEARTBEAT, alive);
    return new Promise((resolve) => {
      const watch = setInterval(() => {
        if (monotonicMs() - this.signOfLifeMs > SILENCE_MAX_MS) finish(new Error('the consumer has fallen silent'));
      }, WATCH_EVERY_MS);
      const finish = (reason: unknown): void => {
        clearInterval(watch);
        this.ending.signal.removeEventListener('abort', close);
        resolve(reason);
      };
      const close = (): void => finish(undefined);
      consumer.on(consumer.events.CRASH, ({ payload }) => finish(payload.error));
      this.ending.signal.addEventListener('abort', close, { once: true });
      if (this.ending.signal.aborted) close();
    });
  }

  private async eachBatch(payload: EachBatchPayload, commits: OffsetCommits): Promise<void> {
    const { batch } = payload;
    const at = { topic: batch.topic.slice(this.prefix.length), partition: batch.partition };
    const pulse = new BatchPulse(payload, this.ending.signal, () => (this.signOfLifeMs = monotonicMs()));
    const stopBeating = pulse.keepBeating(HEARTBEAT_INTERVAL_MS);
    try {
      for (let from = 0; from < batch.messages.length && pulse.alive(); from += CHUNK_MAX) {
        const chunk = batch.messages.slice(from, from + CHUNK_MAX);
        const messages = chunk.map((message) => readMessage(at, message));
        await this.merger.submit(at.topic, messages, pulse);
        payload.resolveOffset(chunk[chunk.length - 1]!.offset);
        commits.note(payload);
      }
    } catch (error) {
      // Work given up is delivered again, to us or to the partition's next owner.
      if (!(error instanceof Interrupted)) throw error;
    } finally {
      stopBeating();
    }
    if (this.ending.signal.aborted) await commits.flush();
    pulse.rethrow();
    setLag(this.options.consumer, at.topic, at.partition, Number(batch.offsetLag()));
  }

  private async apply(topic: string, messages: readonly Incoming[], pulse: Pulse): Promise<void> {
    const startedMs = monotonicMs();
    const attributes = { 'messaging.destination.name': topic, 'messaging.batch.message_count': messages.length };
    const outcome = await withSpan(
      `${this.options.consumer} consume ${topic}`,
      attributes,
      () => this.processor.process(messages, pulse),
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

/** A single message continues its trace; a batch links to all of its causes. */
function causesOf(messages: readonly Incoming[]): { parent?: string | undefined; links?: string[] } {
  if (messages.length === 1) return { parent: messages[0]!.envelope.traceparent };
  return { links: messages.flatMap(({ envelope }) => envelope.traceparent ?? []) };
}
