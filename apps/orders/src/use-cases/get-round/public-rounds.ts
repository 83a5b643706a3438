// What everybody may see of a round, for the crowd that looks at it before it opens: however many ask, Postgres is asked a
// few times a second.
import { monotonicMs } from '@gravity/kernel';
import type { Database } from '@gravity/persistence';
import type { Round } from '../../storage/round-rows';
import { findRounds } from '../../storage/rounds.repository';

/** What the public sees of a round is at most this old. */
export const PUBLIC_ROUND_AGE_MS = 200;
const MOST_ROUNDS = 10_000;

interface Reading {
  readonly startedMs: number;
  readonly found: Promise<{ readonly round: Round | undefined; readonly nowMs: number; readonly readMs: number }>;
}

/** Rounds in the eyes of the public; one reading is shared by all who ask within its life. */
export class PublicRounds {
  private readonly readings = new Map<string, Reading>();

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
    this.readings.delete(roundId);
    this.readings.set(roundId, reading);
    if (this.readings.size > MOST_ROUNDS) this.readings.delete(this.readings.keys().next().value!);
    const forget = (): void => {
      if (this.readings.get(roundId) === reading) this.readings.delete(roundId);
    };
    // A round that the public may see from now on is seen at once: what was not there is looked for again.
    found.then(({ round }) => round ?? forget(), forget);
    return reading;
  }
}
