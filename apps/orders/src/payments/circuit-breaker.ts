// Stops calling a provider that does not answer, so that its outage costs callers a refusal instead of a deadline each.
import { monotonicMs } from '@gravity/kernel';

export interface BreakerLimits {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open the first time; doubles with every failed trial. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

/** Closed: all calls pass. Open: none. After the pause one trial passes and decides. */
export class CircuitBreaker {
  private failuresInARow = 0;
  private pauseMs: number;
  private openUntilMs = 0;
  private trialRunning = false;

  constructor(
    private readonly limits: BreakerLimits,
    private readonly nowMs: () => number = monotonicMs,
  ) {
    this.pauseMs = limits.openMs;
  }

  /** Undefined when a call may go ahead (report its end), else the milliseconds until the next trial. */
  refusal(): number | undefined {
    if (this.failuresInARow < this.limits.failures) return undefined;
    const leftMs = this.openUntilMs - this.nowMs();
    if (leftMs > 0) return leftMs;
    if (this.trialRunning) return this.limits.openMs;
    this.trialRunning = true;
    return undefined;
  }

  succeeded(): void {
    this.failuresInARow = 0;
    this.pauseMs = this.limits.openMs;
    this.trialRunning = false;
  }

  failed(): void {
    this.failuresInARow += 1;
    if (this.failuresInARow < this.limits.failures) return;
    // Calls that were under way when it opened end here too; only a failed trial lengthens the pause.
    if (this.trialRunning) this.pauseMs = Math.min(this.pauseMs * 2, this.limits.maxOpenMs);
    this.trialRunning = false;
    this.openUntilMs = this.nowMs() + this.pauseMs;
  }
}
