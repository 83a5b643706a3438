// Keeps this process's idea of Postgres' clock fresh. Openings are judged by it before any claim is decided, so a process
// that has decided none yet, or none for days, must not go by its machine's wall clock or by a clock that drifted away.
import { Loop } from '../workers/loop';
import type { ServerClock } from './server-clock';

/** The clocks of two machines are rarely more than 0.1 ms a second apart: a millisecond between two readings. */
const READ_EVERY_MS = 10_000;

/** Reads Postgres' clock at the start and every ten seconds. */
export class ClockFollower extends Loop {
  constructor(
    private readonly clock: ServerClock,
    everyMs = READ_EVERY_MS,
  ) {
    super({ name: 'clock-follower', pauseMs: everyMs });
  }

  protected override turn(): Promise<void> {
    return this.clock.anchor();
  }
}
