// Lets a loop sleep until its poll interval is over or somebody has work for it. A wake-up that comes while the loop is busy
// is kept, so none is lost.
import { sleep } from '@gravity/kernel';

export class Wakeup {
  private pending = false;
  private sleeping: AbortController | undefined;

  wake(): void {
    this.pending = true;
    this.sleeping?.abort();
  }

  /** Returns at the next wake-up, at once when one is pending, at the latest after `ms`. */
  async wait(ms: number): Promise<void> {
    if (!this.pending) {
      this.sleeping = new AbortController();
      await sleep(ms, this.sleeping.signal);
      this.sleeping = undefined;
    }
    this.pending = false;
  }
}
