import { types } from 'node:util';
import { monotonicMs, sleep } from '@gravity/kernel';
import type { EachBatchPayload } from 'kafkajs';
import { type Heartbeat, InterruptedError } from './heartbeat';

const WAIT_SLICE_MS = 200;

/** The heartbeat during one kafkajs batch. It runs beside the handlers: kafkajs sends none while `eachBatch` works. */
export class BatchHeartbeat implements Heartbeat {
  private failure: Error | undefined;

  constructor(
    private readonly payload: Pick<EachBatchPayload, 'isRunning' | 'isStale' | 'heartbeat'>,
    private readonly stopping: AbortSignal,
    private readonly onSent: () => void,
  ) {}

  alive(): boolean {
    return this.failure === undefined && !this.stopping.aborted && this.payload.isRunning() && !this.payload.isStale();
  }

  async wait(ms: number): Promise<void> {
    const endMs = monotonicMs() + ms;
    for (let left = ms; left > 0; left = endMs - monotonicMs()) {
      if (!this.alive()) throw new InterruptedError();
      await sleep(Math.min(left, WAIT_SLICE_MS), this.stopping);
    }
  }

  /** Sends heartbeats until the returned function is called. A failed heartbeat, such as a rebalance, ends the work. */
  start(everyMs: number): () => void {
    const timer = setInterval(() => {
      if (this.failure !== undefined) return;
      this.payload.heartbeat().then(this.onSent, (error: unknown) => {
        this.failure = types.isNativeError(error) ? error : new InterruptedError();
      });
    }, everyMs);
    return () => clearInterval(timer);
  }

  /** Throws the failure of a heartbeat, so that kafkajs joins the group again. */
  rethrow(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}
