import { types } from 'node:util';
import { monotonicMs, sleep } from '@gravity/kernel';
import type { EachBatchPayload } from 'kafkajs';
import { Interrupted, type Pulse } from './pulse';

const WAIT_SLICE_MS = 200;

/** The life of one kafkajs batch. Heartbeats go on beside the handlers: kafkajs itself sends none meanwhile. */
export class BatchPulse implements Pulse {
  private failure: Error | undefined;

  constructor(
    private readonly payload: Pick<EachBatchPayload, 'isRunning' | 'isStale' | 'heartbeat'>,
    private readonly ending: AbortSignal,
    private readonly onBeat: () => void,
  ) {}

  alive(): boolean {
    return this.failure === undefined && !this.ending.aborted && this.payload.isRunning() && !this.payload.isStale();
  }

  async wait(ms: number): Promise<void> {
    const endMs = monotonicMs() + ms;
    for (let left = ms; left > 0; left = endMs - monotonicMs()) {
      if (!this.alive()) throw new Interrupted();
      await sleep(Math.min(left, WAIT_SLICE_MS), this.ending);
    }
  }

  /** Sends heartbeats until the returned function is called. A rebalance they learn of ends this life. */
  keepBeating(everyMs: number): () => void {
    const timer = setInterval(() => {
      if (this.failure !== undefined) return;
      this.payload.heartbeat().then(this.onBeat, (error: unknown) => {
        this.failure = types.isNativeError(error) ? error : new Interrupted();
      });
    }, everyMs);
    return () => clearInterval(timer);
  }

  /** Tells kafkajs what a heartbeat found, so that it joins the group again. */
  rethrow(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}
