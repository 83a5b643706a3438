/** The life of the consumer that a piece of work belongs to: long work has to show a sign of life and to notice its end. */
export interface Pulse {
  /** False once the work's result is no longer wanted: shutdown, or the partition has moved. */
  alive(): boolean;
  /** Waits, with signs of life. Rejects with {@link Interrupted} when the life ends meanwhile. */
  wait(ms: number): Promise<void>;
}

/** The work was given up unfinished; somebody will start it again. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
