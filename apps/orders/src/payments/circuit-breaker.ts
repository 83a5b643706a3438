// Stops calling a provider that does not answer, so that its outage costs callers a refusal instead of a deadline each.
import {
  type CircuitBreakerPolicy,
  circuitBreaker,
  ConsecutiveBreaker,
  type IBackoff,
  type IBackoffFactory,
  type Policy,
} from 'cockatiel';
import { monotonicMs } from '@gravity/kernel';

export interface BreakerLimits {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** Duration of the first pause; doubles with every failed trial. */
  readonly openMs: number;
  readonly openMsMax: number;
}

/**
 * A breaker for the failures that the policy handles. Closed: all calls pass. Open: none. After the pause one trial
 * passes and decides; calls that arrive during the trial wait for its end.
 */
export function breakerFor(
  failures: Policy,
  limits: BreakerLimits,
  nowMs: () => number = monotonicMs,
): { readonly breaker: CircuitBreakerPolicy; readonly pauses: MonotonicPauses } {
  const pauses = new MonotonicPauses(limits, nowMs);
  const breaker = circuitBreaker(failures, {
    breaker: new ConsecutiveBreaker(limits.failures),
    halfOpenAfter: pauses,
  });
  return { breaker, pauses };
}

/**
 * The pauses of an open breaker, by the monotonic clock. The library compares the time since the opening by Date.now()
 * with the pause's duration. A wall clock set back by an hour would keep the breaker open for an hour, so the duration
 * is infinite during the pause and minus infinity after it: then the wall clock decides nothing.
 */
export class MonotonicPauses implements IBackoffFactory<unknown> {
  private endsAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly limits: Pick<BreakerLimits, 'openMs' | 'openMsMax'>,
    private readonly nowMs: () => number,
  ) {}

  /** The first pause. The library asks for it when the breaker opens. */
  next(): IBackoff<unknown> {
    return this.pause(this.limits.openMs);
  }

  /** Milliseconds until the next trial; 0 when the pause is over. */
  leftMs(): number {
    return Math.max(0, this.endsAtMs - this.nowMs());
  }

  private pause(lengthMs: number): IBackoff<unknown> {
    this.endsAtMs = this.nowMs() + lengthMs;
    const leftMs = (): number => this.leftMs();
    return {
      get duration(): number {
        return leftMs() > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
      },
      next: () => this.pause(Math.min(lengthMs * 2, this.limits.openMsMax)),
    };
  }
}
