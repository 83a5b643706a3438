// Postgres' clock, read now and then and carried on by this machine's monotonic clock. Order times are made from it, so
// a wall clock that is wrong or jumps never shortens a buyer's time to pay.
import { AnchoredClock, type Clock, monotonicMs } from '@gravity/kernel';
import type { Database } from '@gravity/persistence';

export class ServerClock implements Clock {
  private anchored: AnchoredClock | undefined;

  constructor(
    private readonly database: Database,
    private readonly fallback: Clock,
  ) {}

  /** Milliseconds of Postgres' clock; this machine's wall clock until the first reading. */
  nowMs(): number {
    return (this.anchored ?? this.fallback).nowMs();
  }

  /** True once Postgres' clock has been read. */
  get isAnchored(): boolean {
    return this.anchored !== undefined;
  }

  /**
   * Reads Postgres' clock. The reading is taken to have been made halfway between question and answer; resolves with by how
   * much that may be wrong, in milliseconds.
   */
  async anchor(): Promise<number> {
    const asked = monotonicMs();
    const [row] = await this.database.query<{ ms: string | number }>(
      `select extract(epoch from clock_timestamp()) * 1000 as ms`,
    );
    const errorMs = (monotonicMs() - asked) / 2;
    const readingMs = Number(row!.ms) + errorMs;
    if (this.anchored === undefined) this.anchored = new AnchoredClock(readingMs, monotonicMs, errorMs);
    else this.anchored.anchor(readingMs, errorMs);
    return errorMs;
  }
}
