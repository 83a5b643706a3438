import type { PublishedEvent } from './event';

/** A topic that must exist before it is used. */
export interface TopicSpec {
  /** Without the prefix of the deployment. */
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor?: number;
}

/** The port through which the relay publishes. `KafkaEventBus` implements it. */
export interface EventBus {
  /**
   * Resolves when every event is acknowledged by all in-sync replicas; events of one key are written in the given
   * order. Rejects when that is not certain: some events may have been written, and the caller repeats the whole call.
   */
  publish(events: readonly PublishedEvent[]): Promise<void>;
  /** Creates the topics that do not exist. */
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>;
  /** True when the broker answers. Never rejects. */
  healthy(): Promise<boolean>;
  /** Disconnects from the broker; a later call of `publish` connects again. */
  close(): Promise<void>;
}
