// Group commit: callers submit commands, and while one batch is in the database, the next one gathers. A single command
// does not wait: it is sent at the end of the current turn of the event loop, with the other commands of that turn.
// Each command gets exactly one answer.
import { assert, AssertionFailure, backoffMs, BoundedQueue, monotonicMs, sleep, soon } from '@gravity/kernel';
import { classifyDatabaseError, isTransient, sqlState } from './database-error';

const TRANSIENT_RETRIES_MAX = 3;
const UNKNOWN_RETRIES_MAX = 3;
const RETRY_BASE_MS = 5;
const RETRY_MAX_MS = 250;

/** Measurements of one batch. */
export interface BatchMetrics {
  readonly size: number;
  /** Commands that waited when the batch was sent. */
  readonly depth: number;
  /** Waiting time of the oldest command of the batch. */
  readonly waitMs: number;
  readonly durationMs: number;
  /** Commands that ended in an exception. */
  readonly failed: number;
}

/** Options of a group commit. */
export interface GroupCommitOptions<C, R> {
  readonly name: string;
  readonly batchMax: number;
  /** Commands that may wait; `submit` refuses further ones. */
  readonly queueMax: number;
  /** Batches in flight at once. With more than one, commands may be executed out of order. Default 1. */
  readonly inFlightMax?: number;
  /**
   * A further batch is sent beside others only when all of them are older than this. Until then it gathers; a slow
   * batch does not block it. Default 0.
   */
  readonly overlapAfterMs?: number;
  /** Executes all or nothing, and returns the answer of each command at its index. */
  readonly execute: (batch: readonly C[]) => Promise<readonly R[]>;
  /**
   * True when a failed batch certainly had no effect and may be tried again in halves. Default: the server refused it
   * with an error; with idempotent commands, any failure except `overloaded`, `unavailable` and `unknown-outcome`.
   */
  readonly isSplittable?: (error: unknown) => boolean;
  /** Executing a command twice has the effect of once. Batches with an unknown outcome are then repeated. */
  readonly idempotent?: boolean;
  readonly onBatch?: (metrics: BatchMetrics) => void;
}

/** The queue is full. The command was not executed and may be submitted again later. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';

  constructor(
    readonly queue: string,
    readonly capacity: number,
  ) {
    super(`${queue}: ${capacity} commands are already waiting`);
  }
}

interface Entry<C, R> {
  readonly command: C;
  readonly submittedMs: number;
  readonly resolve: (answer: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Executes commands in batches. The commands that wait and the batches in flight are bounded. */
export class GroupCommit<C, R> {
  private readonly queue: BoundedQueue<Entry<C, R>>;
  private readonly inFlightMax: number;
  private readonly flush = (): void => this.startBatches();
  private readonly overlapAfterMs: number;
  /** Start times of the batches in flight. */
  private readonly startedMs = new Set<number>();
  /** Runs while the next batch gathers longer. */
  private overlapTimer: NodeJS.Timeout | undefined;
  private inFlight = 0;
  private executing = 0;
  private scheduled = false;
  private drained: (() => void)[] = [];

  constructor(private readonly options: GroupCommitOptions<C, R>) {
    assert(
      options.batchMax >= 1 && options.queueMax >= 1,
      `${options.name}: batch and queue need room for one command`,
    );
    this.queue = new BoundedQueue(options.queueMax);
    this.inFlightMax = options.inFlightMax ?? 1;
    this.overlapAfterMs = options.overlapAfterMs ?? 0;
  }

  /** Commands waiting for a batch. */
  get depth(): number {
    return this.queue.length;
  }

  /** Commands in batches that are being executed. */
  get busy(): number {
    return this.executing;
  }

  /**
   * Executes the command in the next batch. Rejects with {@link QueueFullError} when the queue is full, otherwise with
   * the failure of the command.
   */
  submit(command: C): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      if (!this.queue.push({ command, submittedMs: monotonicMs(), resolve, reject })) {
        reject(new QueueFullError(this.options.name, this.options.queueMax));
        return;
      }
      if (this.scheduled || this.overlapTimer !== undefined || this.inFlight >= this.inFlightMax) return;
      this.scheduled = true;
      soon(this.flush);
    });
  }

  /** Resolves when every command submitted so far has its answer. */
  drain(): Promise<void> {
    if (this.queue.length === 0 && this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.drained.push(resolve));
  }

  private startBatches(): void {
    this.scheduled = false;
    while (this.inFlight < this.inFlightMax && this.queue.length > 0) {
      const gatherMs = this.gatherMs();
      if (gatherMs > 0) {
        this.overlapTimer ??= setTimeout(() => {
          this.overlapTimer = undefined;
          this.startBatches();
        }, gatherMs);
        break;
      }
      this.inFlight += 1;
      void this.runBatch(this.queue.take(this.options.batchMax));
    }
    if (this.inFlight === 0 && this.queue.length === 0) {
      for (const resolve of this.drained.splice(0)) resolve();
    }
  }

  /** Milliseconds for which the next batch gathers longer. */
  private gatherMs(): number {
    if (this.inFlight === 0 || this.overlapAfterMs === 0) return 0;
    return Math.ceil(Math.max(...this.startedMs) + this.overlapAfterMs - monotonicMs());
  }

  private async runBatch(entries: Entry<C, R>[]): Promise<void> {
    const startedMs = monotonicMs();
    const depth = this.queue.length;
    this.executing += entries.length;
    this.startedMs.add(startedMs);
    const failed = await this.settle(entries);
    this.executing -= entries.length;
    this.startedMs.delete(startedMs);
    this.inFlight -= 1;
    clearTimeout(this.overlapTimer);
    this.overlapTimer = undefined;
    this.startBatches();
    this.options.onBatch?.({
      size: entries.length,
      depth,
      waitMs: startedMs - entries[0]!.submittedMs,
      durationMs: monotonicMs() - startedMs,
      failed,
    });
  }

  /** Answers every entry. Never rejects. Depth of recursion: the binary logarithm of the batch size. */
  private async settle(entries: Entry<C, R>[]): Promise<number> {
    let answers: readonly R[];
    try {
      answers = await this.executeWithRetries(entries);
    } catch (error) {
      if (entries.length === 1 || !this.isSplittable(error)) {
        for (const entry of entries) entry.reject(error);
        return entries.length;
      }
      const middle = entries.length >> 1;
      const failedFirst = await this.settle(entries.slice(0, middle));
      return failedFirst + (await this.settle(entries.slice(middle)));
    }
    if (answers.length !== entries.length) {
      // The batch is committed: repeating it would execute it twice.
      const bug = new AssertionFailure(`${this.options.name}: ${entries.length} commands, ${answers.length} answers`);
      for (const entry of entries) entry.reject(bug);
      return entries.length;
    }
    for (let index = 0; index < entries.length; index += 1) entries[index]!.resolve(answers[index] as R);
    return 0;
  }

  /** Repeats a whole batch only when it certainly had no effect, or when commands are idempotent. */
  private async executeWithRetries(entries: Entry<C, R>[]): Promise<readonly R[]> {
    const commands = entries.map((entry) => entry.command);
    let lost: unknown;
    for (let failures = 0; ;) {
      try {
        return await this.options.execute(commands);
      } catch (error) {
        failures += 1;
        const kind = classifyDatabaseError(error);
        if (kind === 'unknown-outcome') lost = error;
        const retriesMax = isTransient(error)
          ? TRANSIENT_RETRIES_MAX
          : kind === 'unknown-outcome' && this.options.idempotent
            ? UNKNOWN_RETRIES_MAX
            : 0;
        if (failures > retriesMax) {
          // This try had no effect; an earlier one may have had.
          throw kind === 'unavailable' || kind === 'overloaded' ? (lost ?? error) : error;
        }
        await sleep(backoffMs(failures, RETRY_BASE_MS, RETRY_MAX_MS));
      }
    }
  }

  private isSplittable(error: unknown): boolean {
    if (this.options.isSplittable) return this.options.isSplittable(error);
    const kind = classifyDatabaseError(error);
    if (kind !== 'conflict' && kind !== 'bug') return false;
    // An error without SQLSTATE comes from this process and may have come after the commit.
    return sqlState(error) !== undefined || this.options.idempotent === true;
  }
}
