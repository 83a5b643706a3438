// Keeps this process's estimate of Postgres' clock fresh. Openings are judged by it before any claim is decided, so a
// process without recent decisions must not rely on its machine's wall clock or on an estimate that has drifted.
import { Loop } from '@gravity/service';
import type { ServerClock } from './server-clock';

/** The clocks of two machines are rarely more than 0.1 ms a second apart: a millisecond between two readings. */
const READ_EVERY_MS = 10_000;
/**
 * A reading that may be further off is repeated soon. The first reading also opens a connection while the process
 * starts; without a repetition two processes can be a tenth of a second apart.
 */
const EXACT_MS = 1;
const READ_AGAIN_MS = 100;
/** Repetitions in a row. With a slow network to Postgres no reading is exact. */
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
