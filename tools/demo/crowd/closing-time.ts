// Lets twenty thousand buyers wait for their moment and sends them all home at once. An AbortSignal would do the same, but
// looks through all of its listeners whenever one is added.

export class ClosingTime {
  private readonly waiting = new Set<() => void>();
  private past = false;

  /** True once everybody has been sent home. */
  get over(): boolean {
    return this.past;
  }

  /** Resolves after the given time, at once when it is over. */
  wait(ms: number): Promise<void> {
    if (this.past || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.waiting.add(done);
    });
  }

  /** Sends everybody home. */
  call(): void {
    this.past = true;
    for (const done of this.waiting) done();
  }
}
