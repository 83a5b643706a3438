// Counts what the crowd sees.
import type { CrowdProgress, CrowdResult, Latency, Win } from './protocol';

const MOST_SURPRISES = 20;

export class Tally {
  readonly wins: Win[] = [];
  private readonly refusedBy = new Map<string, number>();
  private readonly acceptedMs: number[] = [];
  private readonly refusedMs: number[] = [];
  private readonly surprises: string[] = [];
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

  /** Notes what should never happen; only the first few are kept. */
  surprise(what: string): void {
    if (this.surprises.length < MOST_SURPRISES) this.surprises.push(what);
  }

  progress(requests: number, active: number): CrowdProgress {
    return { type: 'progress', requests, accepted: this.wins.length, refused: this.refused, paid: this.paid, active };
  }

  result(requests: number, bots: number): CrowdResult {
    return {
      type: 'result',
      requests,
      wins: this.wins,
      refused: Object.fromEntries([...this.refusedBy].sort(([, a], [, b]) => b - a)),
      latencyMs: { accepted: latencyOf(this.acceptedMs), refused: latencyOf(this.refusedMs) },
      abandoned: this.abandoned,
      doubleClicks: this.doubleClicks,
      bots: { buyers: bots, tries: this.botTries },
      surprises: this.surprises,
    };
  }
}

function latencyOf(samples: readonly number[]): Latency {
  const sorted = Float64Array.from(samples).sort();
  const at = (share: number): number => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return Math.round(value * 100) / 100;
  };
  return { p50: at(0.5), p99: at(0.99) };
}
