// The base of every background worker: turns that never overlap, a bounded pause between them, a back-off after errors,
// optional leadership (one process per database), metrics, and a stop that waits for the current turn.
import { assert, backoffMs, jitteredMs, monotonicMs, sleep, systemClock } from '@gravity/kernel';
import { LATENCY_BUCKETS_SECONDS } from '@gravity/observability';
import { type Database, Leadership } from '@gravity/persistence';
import { Logger } from '@nestjs/common';
import { Counter, Gauge, Histogram } from 'prom-client';

export interface LoopOptions {
  /** Names the worker in logs and metrics, and its leadership. */
  readonly name: string;
  /** Longest pause between two turns, in milliseconds. A turn may return a shorter one; `wake` ends it at once. */
  readonly pauseMs: number;
  /** First pause after a failed turn, in milliseconds; doubles up to {@link backoffMaxMs}. */
  readonly backoffBaseMs?: number;
  readonly backoffMaxMs?: number;
  /**
   * Turns run in one process per database; after its end, another process takes over within about two seconds. A turn
   * must be safe to run twice: a process notices the loss of its session a moment later. Default false.
   */
  readonly oncePerDatabase?: boolean;
}

/** The surroundings of a loop. The kit provides them for the workers of a service. */
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
  help: 'Duration of a turn',
  labelNames,
  buckets: LATENCY_BUCKETS_SECONDS,
});
const loopLastSuccess = new Gauge({
  name: 'loop_last_success_timestamp_seconds',
  help: 'Time of the last successful turn, in seconds since the epoch',
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
 * A worker. Subclasses do one bounded piece of work in {@link turn}. A turn that throws is logged and repeated after a
 * growing pause, so a worker survives an outage of the database.
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
   * One bounded piece of work. Returns the pause before the next turn in milliseconds (0: there is more work), or
   * nothing for the longest pause. The signal is aborted when the worker stops and when its leadership is lost.
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

  /** Ends the worker after the current turn. Resolves then. The worker may be started again. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.pause.abort();
    await this.running;
    this.running = undefined;
  }

  /** Ends the current pause, unless it follows a failed turn. During a turn, it skips the next pause. */
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
      // The end of the leadership ends a pause too.
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

  /** Logs a failed turn and returns the pause in milliseconds. */
  private failed(error: unknown): number {
    this.failures += 1;
    // Logs the first failure and every doubling of their number.
    if ((this.failures & (this.failures - 1)) === 0)
      this.logger.warn(`turn failed (${this.failures} in a row): ${String(error)}`);
    // A wake during a failed turn must not skip the back-off.
    this.woken = false;
    const { backoffBaseMs = BACKOFF_BASE_MS, backoffMaxMs = BACKOFF_MAX_MS } = this.options;
    return backoffMs(this.failures, backoffBaseMs, backoffMaxMs);
  }

  private async rest(pauseMs: number, stop: AbortSignal): Promise<void> {
    this.pause = new AbortController();
    // Between two turns without a pause, the event loop serves requests.
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
