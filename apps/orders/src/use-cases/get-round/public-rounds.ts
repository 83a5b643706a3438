// The public view of a round, for many readers before it opens. Postgres is asked a few times a second, however many
// readers there are.
import { monotonicMs } from '@gravity/kernel';
import type { Database } from '@gravity/persistence';
import { LRUCache } from 'lru-cache';
import type { Round } from '../../storage/round-rows';
import { findRounds } from '../../storage/rounds.repository';

/** The largest age of the public view. */
export const PUBLIC_ROUND_AGE_MS = 200;
const ROUNDS_MAX = 10_000;

interface Reading {
  readonly startedMs: number;
  readonly found: Promise<{ readonly round: Round | undefined; readonly nowMs: number; readonly readMs: number }>;
}

/** Rounds as the public sees them; all readers within the life of one reading share it. */
export class PublicRounds {
  private readonly readings = new LRUCache<string, Reading>({ max: ROUNDS_MAX });

  constructor(private readonly database: Database) {}

  /** The round with this uuid, if the public may see it, and the time by Postgres' clock. */
  async find(roundId: string): Promise<{ round: Round | undefined; nowMs: number }> {
    let reading = this.readings.get(roundId);
    if (reading === undefined || monotonicMs() - reading.startedMs > PUBLIC_ROUND_AGE_MS) reading = this.read(roundId);
    const { round, nowMs, readMs } = await reading.found;
    // The counters may be a moment old, but not the clock by which apps count down.
    return { round, nowMs: Math.round(nowMs + monotonicMs() - readMs) };
  }

  private read(roundId: string): Reading {
    const filter = { roundId, visibleTo: { everything: false }, limit: 1 } as const;
    const found = findRounds(this.database, filter).then(({ rounds, nowMs }) => {
      return { round: rounds[0], nowMs, readMs: monotonicMs() };
    });
    const reading = { startedMs: monotonicMs(), found };
    this.readings.set(roundId, reading);
    const forget = (): void => {
      if (this.readings.get(roundId) === reading) this.readings.delete(roundId);
    };
    // An absent round is looked for again, so that the public sees a round as soon as it is approved.
    found.then(({ round }) => round ?? forget(), forget);
    return reading;
  }
}
