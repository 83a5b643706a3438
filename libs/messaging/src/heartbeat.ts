/**
 * The heartbeat of a Kafka consumer, for work on its messages: long work keeps the membership alive and notices its
 * end.
 */
export interface Heartbeat {
  /** False when the result of the work is of no use: the process stops, or the partition belongs to another member. */
  alive(): boolean;
  /** Waits while heartbeats go on. Rejects with {@link InterruptedError} when the membership ends meanwhile. */
  wait(ms: number): Promise<void>;
}

/** The work ended unfinished. Kafka delivers its messages again. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}
