// The one shape of a background worker: turns that never overlap, a bounded pause between them, a backoff after errors,
// and a stop that waits for the turn under way.
import { Logger } from '@nestjs/common';
import { backoffMs, jitteredMs, sleep } from '@gravity/kernel';

export interface LoopOptions {
  /** Names the worker in logs. */
  readonly name: string;
  /** The longest pause between two turns, in milliseconds. A turn may ask for a shorter one; a wake ends it at once. */
  readonly pauseMs: number;
  /** First pause after a failed turn, in milliseconds; doubles up to {@link backoffMaxMs}. */
  readonly backoffBaseMs?: number;
  readonly backoffMaxMs?: number;
}

const BACKOFF_BASE_MS = 50;
const BACKOFF_MAX_MS = 2_000;

/**
 * A worker. Subclasses do one bounded piece of work in {@link turn}; a turn that throws is logged and repeated after a
 * growing pause, so a lost database only slows the worker down until it is back.
 */
export abstract class Loop {
  private readonly logger: Logger;
  private running: Promise<void> | undefined;
  private stopping = new AbortController();
  private pause = new AbortController();
  private woken = false;

  protected constructor(protected readonly options: LoopOptions) {
    this.logger = new Logger(options.name);
  }

  /**
   * One bounded piece of work. Returns how long to pause before the next turn in milliseconds (0: there is more to do
   * right now), or nothing for the longest pause. The signal is aborted when the worker is asked to stop.
   */
  protected abstract turn(signal: AbortSignal): Promise<number | void>;

  /** Starts the worker; a second call changes nothing. */
  start(): void {
    if (this.running !== undefined) return;
    this.stopping = new AbortController();
    this.running = this.run(this.stopping.signal);
  }

  /** Ends the worker after the turn under way, and resolves then. The worker may be started again. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.pause.abort();
    await this.running;
    this.running = undefined;
  }

  /** Ends the present pause. A wake during a turn makes the next turn follow without a pause. */
  wake(): void {
    this.woken = true;
    this.pause.abort();
  }

  private async run(stop: AbortSignal): Promise<void> {
    let failures = 0;
    while (!stop.aborted) {
      this.woken = false;
      let pauseMs: number;
      try {
        pauseMs = Math.min((await this.turn(stop)) ?? this.options.pauseMs, this.options.pauseMs);
        if (failures > 0) this.logger.log(`works again after ${failures} failed turns`);
        failures = 0;
      } catch (error) {
        failures += 1;
        // The first failure and every doubling is enough to see what is wrong without drowning the log.
        if ((failures & (failures - 1)) === 0) this.logger.warn(`turn failed (${failures} in a row): ${String(error)}`);
        pauseMs = this.backoff(failures);
        // A wake must not turn a broken database into a busy loop.
        this.woken = false;
      }
      await this.rest(pauseMs, stop);
    }
  }

  private backoff(failures: number): number {
    const { backoffBaseMs = BACKOFF_BASE_MS, backoffMaxMs = BACKOFF_MAX_MS } = this.options;
    return backoffMs(failures, backoffBaseMs, backoffMaxMs);
  }

  private async rest(pauseMs: number, stop: AbortSignal): Promise<void> {
    this.pause = new AbortController();
    // Even a worker with more to do lets requests that wait for the event loop through between turns.
    if (pauseMs <= 0) return new Promise((resolve) => setImmediate(resolve));
    if (this.woken || stop.aborted) return;
    await sleep(jitteredMs(pauseMs), this.pause.signal);
  }
}
