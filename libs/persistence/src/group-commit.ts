// Group commit: callers hand in commands, and while one batch is in the database the next one gathers by itself. A lonely
// command waits for nothing: it leaves at the end of the current turn of the event loop, together with whatever else arrived
// in that turn. Each command gets exactly one answer, its own.
import { assert, AssertionFailure, backoffMs, BoundedQueue, monotonicMs, sleep, soon } from '@gravity/kernel';
import { classifyDatabaseError, isTransient, sqlState } from './database-error';

const TRANSIENT_RETRIES_MAX = 3;
const UNKNOWN_RETRIES_MAX = 3;
const RETRY_BASE_MS = 5;
const RETRY_MAX_MS = 250;

export interface BatchMetrics {
  readonly size: number;
  /** Commands still waiting when the batch left. */
  readonly depth: number;
  /** How long the oldest command of the batch had waited. */
  readonly waitMs: number;
  readonly durationMs: number;
  /** Commands that ended in an exception. */
  readonly failed: number;
}

export interface GroupCommitOptions<C, R> {
  readonly name: string;
  readonly maxBatch: number;
  /** Commands that may wait; beyond it `submit` refuses. */
  readonly maxQueue: number;
  /** Batches in flight at once. With more than one, commands may be executed out of order. Default 1. */
  readonly maxInFlight?: number;
  /**
   * A further batch leaves beside others only when none of them is younger than this: it gathers instead, and yet does not
   * stand behind one that is stuck. Default 0.
   */
  readonly overlapAfterMs?: number;
  /** Executes all or nothing and answers each command at its own index. */
  readonly execute: (batch: readonly C[]) => Promise<readonly R[]>;
  /**
   * Whether a failed batch surely had no effect and may be tried again in halves. Default: the server refused it with an
   * error of its own, or any failure that is neither overload nor absence when commands are idempotent.
   */
  readonly isSplittable?: (error: unknown) => boolean;
  /** Executing a command twice is the same as once: batches with an unknown outcome are then tried again. */
  readonly idempotent?: boolean;
  readonly onBatch?: (metrics: BatchMetrics) => void;
}

/** The queue is full: nothing was done, the caller may come back later. */
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

/** Executes commands in batches; the number that waits and the number in flight are bounded. */
export class GroupCommit<C, R> {
  private readonly queue: BoundedQueue<Entry<C, R>>;
  private readonly maxInFlight: number;
  private readonly flush = (): void => this.startBatches();
  private readonly overlapAfterMs: number;
  /** When the batches in flight left. */
  private readonly startedMs = new Set<number>();
  /** Runs while commands are held back. */
  private patience: NodeJS.Timeout | undefined;
  private inFlight = 0;
  private executing = 0;
  private scheduled = false;
  private drained: (() => void)[] = [];

  constructor(private readonly options: GroupCommitOptions<C, R>) {
    assert(
      options.maxBatch >= 1 && options.maxQueue >= 1,
      `${options.name}: batch and queue need room for one command`,
    );
    this.queue = new BoundedQueue(options.maxQueue);
    this.maxInFlight = options.maxInFlight ?? 1;
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
   * Executes the command in the next batch. Rejects with {@link QueueFullError} when too many wait already, and with the
   * failure of the command itself otherwise.
   */
  submit(command: C): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      if (!this.queue.push({ command, submittedMs: monotonicMs(), resolve, reject })) {
        reject(new QueueFullError(this.options.name, this.options.maxQueue));
        return;
      }
      if (this.scheduled || this.patience !== undefined || this.inFlight >= this.maxInFlight) return;
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
    while (this.inFlight < this.maxInFlight && this.queue.length > 0) {
      const heldBackMs = this.heldBackMs();
      if (heldBackMs > 0) {
        this.patience ??= setTimeout(() => {
          this.patience = undefined;
          this.startBatches();
        }, heldBackMs);
        break;
      }
      this.inFlight += 1;
      void this.runBatch(this.queue.take(this.options.maxBatch));
    }
    if (this.inFlight === 0 && this.queue.length === 0) {
      for (const resolve of this.drained.splice(0)) resolve();
    }
  }

  /** For how long the next batch still gathers. */
  private heldBackMs(): number {
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
    clearTimeout(this.patience);
    this.patience = undefined;
    this.startBatches();
    this.options.onBatch?.({
      size: entries.length,
      depth,
      waitMs: startedMs - entries[0]!.submittedMs,
      durationMs: monotonicMs() - startedMs,
      failed,
    });
  }

  /** Answers every entry and never rejects. Depth of recursion: the binary logarithm of the batch size. */
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
      // The batch is committed: trying it again would do it twice.
      const bug = new AssertionFailure(`${this.options.name}: ${entries.length} commands, ${answers.length} answers`);
      for (const entry of entries) entry.reject(bug);
      return entries.length;
    }
    for (let index = 0; index < entries.length; index += 1) entries[index]!.resolve(answers[index] as R);
    return 0;
  }

  /** Tries a whole batch again only where that is surely harmless and may help. */
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
          // That this try did nothing says nothing about the one before it.
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
    // A failure of our own code may have come after the commit.
    return sqlState(error) !== undefined || this.options.idempotent === true;
  }
}
