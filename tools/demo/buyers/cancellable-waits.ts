// Timers for thousands of buyers that end together. One AbortSignal for all of them would search all of its listeners on
// every new wait.

export class CancellableWaits {
  private readonly pending = new Set<() => void>();
  private ended = false;

  /** True after {@link cancel}. */
  get cancelled(): boolean {
    return this.ended;
  }

  /** Resolves after `ms` milliseconds, or at once when the waits are cancelled. */
  wait(ms: number): Promise<void> {
    if (this.ended || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.pending.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.pending.add(done);
    });
  }

  /** Ends all pending waits, and all later ones at once. */
  cancel(): void {
    this.ended = true;
    for (const done of this.pending) done();
  }
}
