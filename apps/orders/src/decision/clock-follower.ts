// Keeps this process's idea of Postgres' clock fresh. Openings are judged by it before any claim is decided, so a process
// that has decided none yet, or none for days, must not go by its machine's wall clock or by a clock that drifted away.
import { Loop } from '@gravity/service';
import type { ServerClock } from './server-clock';

/** The clocks of two machines are rarely more than 0.1 ms a second apart: a millisecond between two readings. */
const READ_EVERY_MS = 10_000;
/**
 * A reading that may be further off is repeated soon: the first one takes as long as the connection that it opens and the
 * start that goes on around it, and two processes have been a tenth of a second apart for it.
 */
const EXACT_MS = 1;
const READ_AGAIN_MS = 100;
/** So often in a row; where the way to Postgres is long, no reading is exact. */
const READINGS_MAX = 8;

/** Reads Postgres' clock at the start and every ten seconds, each time until a reading is exact or many were not. */
export class ClockFollower extends Loop {
  private readings = 0;

  constructor(
    private readonly clock: ServerClock,
    everyMs = READ_EVERY_MS,
  ) {
    super({ name: 'clock-follower', pauseMs: everyMs });
  }

  protected override async turn(): Promise<number | void> {
    const errorMs = await this.clock.anchor();
    this.readings += 1;
    if (errorMs > EXACT_MS && this.readings < READINGS_MAX) return READ_AGAIN_MS;
    this.readings = 0;
  }
}
