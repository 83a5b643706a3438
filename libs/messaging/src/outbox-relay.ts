// Publishes the outbox, at least once and in order per key. One relay per database is active: its session holds an
// advisory lock. The others stand by.
//
// Order: rows of one key are written one after another under the lock of their aggregate, so a later row of a key gets
// its id after the commit of the earlier one. A snapshot that shows the later row therefore shows the earlier one too,
// with a smaller id, and publishing each reading by ascending id keeps the order of every key. No transaction is open
// during a call to Kafka, and no row is deleted or updated per batch. The relay keeps its progress in memory
// (outbox-gaps.ts) and stores one position; every id up to it is published or rolled back. After a crash the events
// behind the position are published again, and consumers recognise them by event id.
import { backoffMs, monotonicMs, sleep } from '@gravity/kernel';
import type { EventBus } from './event-bus';
import { type MessagingLog, reasonOf, SILENT_LOG } from './log';
import { DEFAULT_RELAY } from './outbox';
import { OutboxGaps } from './outbox-gaps';
import { relayMetrics } from './relay-metrics';
import { type OutboxLag, type OutboxRow, RelaySession } from './relay-session';

const BATCH_MAX = 1_000;
const IDLE_POLL_MS = 50;
/** Pause after a batch: under load, fewer and larger batches cost the relay, Kafka and the consumers less. */
const GATHER_MS = 100;
const STANDBY_RETRY_MS = 1_000;
const SAVE_EVERY_MS = 200;
const METRICS_EVERY_MS = 5_000;
const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 3_000;
/** With more gaps than this, no row above the highest id is published until gaps are settled. */
const GAPS_MAX = 10_000;
/**
 * The reason of an abort. Without one, the abort creates an exception with a stack, which costs more than the wake-up.
 */
const WOKEN = 'woken';

/** Options of a relay. */
export interface OutboxRelayOptions {
  readonly url: string;
  readonly bus: EventBus;
  /** Label of the metrics and part of the connection's name. */
  readonly service: string;
  readonly relay?: string;
  readonly batchMax?: number;
  readonly log?: MessagingLog;
}

/**
 * Publishes the outbox of one database. Any number may run: one is active, and another takes over when its session
 * ends. Not a Loop of the kit: lock, reads and position share one session, so each statement proves the lead, and a stop
 * drains the outbox first.
 */
export class OutboxRelay {
  private readonly log: MessagingLog;
  private readonly relay: string;
  private readonly metrics;
  private stopping = false;
  private drainUntilMs = 0;
  private running: Promise<void> | undefined;
  private session: RelaySession | undefined;
  private leading = false;
  private woken = false;
  private sleeper = new AbortController();
  /** Whether `wake` ends the current pause. */
  private wakeable = false;

  constructor(private readonly options: OutboxRelayOptions) {
    this.log = options.log ?? SILENT_LOG;
    this.relay = options.relay ?? DEFAULT_RELAY;
    this.metrics = relayMetrics(options.service);
  }

  /** True while this relay publishes. */
  get active(): boolean {
    return this.leading;
  }

  /** Starts publishing in the background. Postgres and Kafka may be down. */
  start(): void {
    this.running ??= this.run();
  }

  /** Call after a commit with events: the relay reads at once instead of at its next poll. */
  wake(): void {
    this.woken = true;
    if (this.wakeable) this.rouse();
  }

  /** Stops after the current batch; with `drainMs`, publishes the rest first, for at most that time. */
  async stop(options: { drainMs?: number } = {}): Promise<void> {
    this.drainUntilMs = monotonicMs() + (options.drainMs ?? 0);
    this.stopping = true;
    this.rouse();
    await this.running;
    this.running = undefined;
  }

  /** The distance between outbox and Kafka; undefined while Postgres is unavailable. */
  async lag(): Promise<OutboxLag | undefined> {
    return this.session?.lag().catch(() => undefined);
  }

  private async run(): Promise<void> {
    for (let failures = 0; !this.stopping;) {
      try {
        this.session = await RelaySession.open(this.options.url, this.relay, `${this.options.service}-relay`);
        failures = 0;
        if (await this.waitForLock(this.session)) await this.lead(this.session);
      } catch (error) {
        failures += 1;
        this.log.warn('outbox relay lost its database connection', { error: reasonOf(error), failures });
      } finally {
        this.setLeading(false);
        await this.session?.end();
        this.session = undefined;
      }
      if (!this.stopping)
        await this.pause(failures === 0 ? STANDBY_RETRY_MS : backoffMs(failures, BACKOFF_BASE_MS, BACKOFF_MAX_MS));
    }
  }

  private async waitForLock(session: RelaySession): Promise<boolean> {
    while (!this.stopping) {
      if (await session.tryLock()) return true;
      await this.pause(STANDBY_RETRY_MS, false);
    }
    return false;
  }

  /** Publishes until `stop`. Rejects when the session is lost. */
  private async lead(session: RelaySession): Promise<void> {
    const state = new OutboxGaps(await session.position());
    this.setLeading(true);
    this.log.info('outbox relay active', { position: state.high });
    const saved = { position: state.position, atMs: monotonicMs() };
    let failures = 0;
    let measuredMs = 0;
    for (;;) {
      this.woken = false;
      const publishedBefore = state.high;
      const full = await this.round(session, state).then(
        (isFull) => {
          failures = 0;
          return isFull;
        },
        (error: unknown) => {
          // Events without acknowledgement are read and published again.
          if (session.lost || !(error instanceof PublishError)) throw error;
          failures += 1;
          this.metrics.failures.inc();
          this.log.warn('events not acknowledged, will be published again', { error: reasonOf(error.cause), failures });
          return false;
        },
      );
      const nowMs = monotonicMs();
      const done = this.stopping && ((!full && failures === 0) || nowMs >= this.drainUntilMs);
      if (state.position !== saved.position && (done || nowMs - saved.atMs >= SAVE_EVERY_MS)) {
        await session.savePosition(state.position);
        Object.assign(saved, { position: state.position, atMs: nowMs });
      }
      if (done) return;
      if (nowMs - measuredMs >= METRICS_EVERY_MS) {
        measuredMs = nowMs;
        await this.measure(session);
      }
      if (failures > 0 && this.stopping) await sleep(BACKOFF_BASE_MS);
      else if (failures > 0) await this.pause(backoffMs(failures, BACKOFF_BASE_MS, BACKOFF_MAX_MS), false);
      else if (!full && state.high > publishedBefore) await this.pause(GATHER_MS, false);
      else if (!full) await this.pause(IDLE_POLL_MS);
    }
  }

  /** Reads once and publishes the rows found. True when there may be more. */
  private async round(session: RelaySession, state: OutboxGaps): Promise<boolean> {
    const limit = this.options.batchMax ?? BATCH_MAX;
    const startedMs = monotonicMs();
    const { rows, xmin } = await session.read(state.high, state.gaps, limit);
    const inGaps = rows.filter((row) => !row.above);
    // When the limit cuts off rows of gaps, a later row of the same key could overtake one of them: gaps go first.
    const gapsCut = inGaps.length >= limit;
    const publishable = gapsCut || state.gaps.length > GAPS_MAX ? inGaps : rows;
    if (publishable.length > 0) {
      await this.publish(publishable);
      this.metrics.published.inc(publishable.length);
      this.metrics.seconds.observe((monotonicMs() - startedMs) / 1_000);
    }
    const above = publishable.filter((row) => row.above).map(({ id }) => id);
    // Rows that were cut off are missing from the reading, so it does not prove that ids were rolled back.
    state.published({ inGaps: inGaps.map(({ id }) => id), above, xmin: gapsCut ? 0n : xmin });
    if (state.needsFence) state.fence(await session.drawXid());
    return gapsCut || above.length >= limit;
  }

  private async publish(rows: readonly OutboxRow[]): Promise<void> {
    try {
      await this.options.bus.publish(rows);
    } catch (error) {
      throw new PublishError('events not acknowledged', { cause: error });
    }
  }

  private async measure(session: RelaySession): Promise<void> {
    const lag = await session.lag();
    this.metrics.depth.set(lag.depth);
    this.metrics.age.set(lag.oldestAgeMs / 1_000);
  }

  private setLeading(leading: boolean): void {
    this.leading = leading;
    this.metrics.active.set(leading ? 1 : 0);
  }

  /** Waits, unless `wake` was called since the last read. A stop always ends the wait. */
  private async pause(ms: number, wakeable = true): Promise<void> {
    if (this.stopping || (wakeable && this.woken)) return;
    this.sleeper = new AbortController();
    this.wakeable = wakeable;
    await sleep(ms, this.sleeper.signal);
    this.wakeable = false;
  }

  private rouse(): void {
    this.wakeable = false;
    this.sleeper.abort(WOKEN);
  }
}

class PublishError extends Error {}
