// Counts the answers to the buyers.
import { percentilesOf } from '../../lib/percentiles';
import type { BuyersProgress, BuyersResult, Latency, Win } from './protocol';

const UNEXPECTED_MAX = 20;

export class Statistics {
  readonly wins: Win[] = [];
  private readonly refusedBy = new Map<string, number>();
  private readonly acceptedMs: number[] = [];
  private readonly refusedMs: number[] = [];
  private readonly unexpected: string[] = [];
  refused = 0;
  paid = 0;
  abandoned = 0;
  doubleClicks = 0;
  botTries = 0;

  accept(win: Win, ms: number): void {
    this.wins.push(win);
    this.acceptedMs.push(ms);
  }

  refuse(code: string, ms: number): void {
    this.refused += 1;
    this.refusedBy.set(code, (this.refusedBy.get(code) ?? 0) + 1);
    this.refusedMs.push(ms);
  }

  /** Records an unexpected answer. Only the first {@link UNEXPECTED_MAX} are kept. */
  noteUnexpected(what: string): void {
    if (this.unexpected.length < UNEXPECTED_MAX) this.unexpected.push(what);
  }

  progress(requests: number, active: number): BuyersProgress {
    return { type: 'progress', requests, accepted: this.wins.length, refused: this.refused, paid: this.paid, active };
  }

  result(requests: number, bots: number): BuyersResult {
    return {
      type: 'result',
      requests,
      wins: this.wins,
      refused: Object.fromEntries([...this.refusedBy].sort(([, a], [, b]) => b - a)),
      latencyMs: { accepted: latencyOf(this.acceptedMs), refused: latencyOf(this.refusedMs) },
      abandoned: this.abandoned,
      doubleClicks: this.doubleClicks,
      bots: { buyers: bots, tries: this.botTries },
      unexpected: this.unexpected,
    };
  }
}

function latencyOf(samples: readonly number[]): Latency {
  const { p50Ms, p99Ms } = percentilesOf(samples);
  return { p50: rounded(p50Ms), p99: rounded(p99Ms) };
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
