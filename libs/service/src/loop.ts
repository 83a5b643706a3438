// The one shape of a background worker: turns that never overlap, a bounded pause between them, a back-off after errors,
// leadership where one process per database is enough, metrics, and a stop that waits for the turn under way.
import { assert, backoffMs, jitteredMs, monotonicMs, sleep, systemClock } from '@gravity/kernel';
import { LATENCY_BUCKETS_SECONDS } from '@gravity/observability';
import { type Database, Leadership } from '@gravity/persistence';
import { Logger } from '@nestjs/common';
import { Counter, Gauge, Histogram } from 'prom-client';

export interface LoopOptions {
  /** Names the worker in logs and metrics, and its leadership. */
  readonly name: string;
  /** The longest pause between two turns, in milliseconds. A turn may ask for a shorter one; a wake ends it at once. */
  readonly pauseMs: number;
  /** First pause after a failed turn, in milliseconds; doubles up to {@link backoffMaxMs}. */
  readonly backoffBaseMs?: number;
  readonly backoffMaxMs?: number;
  /**
   * Turns run in one process per database; another process takes over within about two seconds when it dies. Turns are
   * still safe to run twice: a process that lost its session learns of it a moment later. Default false.
   */
  readonly oncePerDatabase?: boolean;
}

/** Where a loop runs. The kit fills it in for the workers of a service. */
export interface LoopHost {
  /** Label of the metrics. */
  readonly service?: string;
  /** Needed by loops that run once per database. */
  readonly database?: Database;
}

const labelNames = ['service', 'loop'];
const loopTurns = new Counter({ name: 'loop_turns_total', help: 'Turns of a background loop', labelNames });
const loopFailures = new Counter({ name: 'loop_failures_total', help: 'Turns that failed', labelNames });
const loopSeconds = new Histogram({
  name: 'loop_turn_seconds',
  help: 'How long a turn takes',
  labelNames,
  buckets: LATENCY_BUCKETS_SECONDS,
});
const loopLastSuccess = new Gauge({
  name: 'loop_last_success_timestamp_seconds',
  help: 'When a turn last ended well, in seconds since the epoch',
  labelNames,
});
const loopLeading = new Gauge({
  name: 'loop_leading',
  help: 'Whether this process runs the turns of a loop that runs once per database',
  labelNames,
});

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
  private failures = 0;

  protected constructor(protected readonly options: LoopOptions) {
    this.logger = new Logger(options.name);
  }

  /**
   * One bounded piece of work. Returns how long to pause before the next turn in milliseconds (0: there is more to do
   * right now), or nothing for the longest pause. The signal is aborted when the worker is asked to stop and when its
   * leadership is lost.
   */
  protected abstract turn(signal: AbortSignal): Promise<number | void>;

  /** Names the worker in logs and metrics. */
  get name(): string {
    return this.options.name;
  }

  /** Starts the worker; a second call changes nothing. */
  start(host: LoopHost = {}): void {
    if (this.running !== undefined) return;
    this.stopping = new AbortController();
    this.failures = 0;
    const { signal } = this.stopping;
    this.running = this.options.oncePerDatabase === true ? this.runAsLeader(host, signal) : this.run(host, signal);
  }

  /** Ends the worker after the turn under way, and resolves then. The worker may be started again. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.pause.abort();
    await this.running;
    this.running = undefined;
  }

  /**
   * Ends the present pause, unless it follows a failed turn. A wake during a turn makes the next turn follow without a
   * pause.
   */
  wake(): void {
    this.woken = true;
    // A wake must not turn a broken database into a busy loop; the turn after the back-off does what the wake asks for.
    if (this.failures === 0) this.pause.abort();
  }

  private async runAsLeader(host: LoopHost, stop: AbortSignal): Promise<void> {
    const { database } = host;
    assert(database !== undefined, `${this.options.name}: a loop that runs once per database needs a database`);
    const leading = loopLeading.labels({ service: host.service ?? '', loop: this.options.name });
    leading.inc(0);
    const leadership = new Leadership(database.url, `gravity.loop.${this.options.name}`, this.options.name);
    await leadership.whileHeld(stop, async (signal) => {
      leading.set(1);
      // A pause ends with the leadership, not only with the stop.
      const wake = (): void => this.pause.abort();
      signal.addEventListener('abort', wake);
      try {
        await this.run(host, signal);
      } finally {
        signal.removeEventListener('abort', wake);
        leading.set(0);
      }
    });
  }

  private async run(host: LoopHost, stop: AbortSignal): Promise<void> {
    const metrics = loopMetrics(host.service ?? '', this.options.name);
    while (!stop.aborted) {
      this.woken = false;
      const startedMs = monotonicMs();
      let pauseMs: number;
      metrics.turns.inc();
      try {
        pauseMs = Math.min((await this.turn(stop)) ?? this.options.pauseMs, this.options.pauseMs);
        if (this.failures > 0) this.logger.log(`works again after ${this.failures} failed turns`);
        this.failures = 0;
        metrics.lastSuccess.set(systemClock.nowMs() / 1_000);
      } catch (error) {
        pauseMs = this.failed(error);
        metrics.failures.inc();
      }
      metrics.seconds.observe((monotonicMs() - startedMs) / 1_000);
      await this.rest(pauseMs, stop);
    }
  }

  /** Logs a failed turn and tells how long to pause, in milliseconds. */
  private failed(error: unknown): number {
    this.failures += 1;
    // The first failure and every doubling is enough to see what is wrong without drowning the log.
    if ((this.failures & (this.failures - 1)) === 0)
      this.logger.warn(`turn failed (${this.failures} in a row): ${String(error)}`);
    // A wake of the turn that failed ends no pause either.
    this.woken = false;
    const { backoffBaseMs = BACKOFF_BASE_MS, backoffMaxMs = BACKOFF_MAX_MS } = this.options;
    return backoffMs(this.failures, backoffBaseMs, backoffMaxMs);
  }

  private async rest(pauseMs: number, stop: AbortSignal): Promise<void> {
    this.pause = new AbortController();
    // Even a worker with more to do lets requests that wait for the event loop through between turns.
    if (pauseMs <= 0) return new Promise((resolve) => setImmediate(resolve));
    if (this.woken || stop.aborted) return;
    await sleep(jitteredMs(pauseMs), this.pause.signal);
  }
}

function loopMetrics(service: string, loop: string) {
  const labels = { service, loop };
  loopFailures.inc(labels, 0);
  return {
    turns: loopTurns.labels(labels),
    failures: loopFailures.labels(labels),
    seconds: loopSeconds.labels(labels),
    lastSuccess: loopLastSuccess.labels(labels),
  };
}
