// Publishes the outbox, at least once and in order per key. One relay per database is active, the one whose session holds
// an advisory lock; the others stand by.
//
// Order: rows of one key are written one after another under the lock of their aggregate, so a later row of a key gets
// its id after the earlier one was committed. Whenever a snapshot shows the later row it therefore shows the earlier one
// too, with a smaller id, and publishing each reading by ascending id keeps the order of every key.
// No transaction stays open around Kafka and no row is deleted or updated per batch: what has been published is
// remembered in memory (outbox-gaps.ts) and as one stored position, up to which everything is published or dead. After a
// crash the rest is published again, and consumers recognise it by event id.
import { backoffMs, monotonicMs, sleep } from '@gravity/kernel';
import type { EventBus } from './event-bus';
import { type MessagingLog, reasonOf, SILENT_LOG } from './log';
import { DEFAULT_RELAY } from './outbox';
import { OutboxGaps } from './outbox-gaps';
import { relayMetrics } from './relay-metrics';
import { type OutboxLag, type OutboxRow, RelaySession } from './relay-session';

const BATCH_MAX = 1_000;
const IDLE_POLL_MS = 50;
/** After a batch the next one gathers for this long: under load fewer, larger batches cost everybody less. */
const GATHER_MS = 100;
const STANDBY_RETRY_MS = 1_000;
const SAVE_EVERY_MS = 200;
const METRICS_EVERY_MS = 5_000;
const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 3_000;
/** Beyond this many gaps nothing new is read until some are settled. */
const GAPS_MAX = 10_000;
/** A reason of our own, because the one that an abort without a reason makes costs more than the wake-up. */
const NEWS = 'news';

export interface OutboxRelayOptions {
  readonly url: string;
  readonly bus: EventBus;
  /** Label of the metrics and part of the connection's name. */
  readonly service: string;
  readonly relay?: string;
  readonly batchMax?: number;
  readonly log?: MessagingLog;
}

// Not a Loop of the kit: its lock, its reads and its position share one session, so each statement proves the lead; a stop
// drains the outbox first. Libraries below the kit do not know it either.
/** Publishes the outbox of one database. Run as many as you like: one leads, the others take over when its session ends. */
export class OutboxRelay {
  private readonly log: MessagingLog;
  private readonly relay: string;
  private readonly metrics;
  private stopping = false;
  private drainUntilMs = 0;
  private running: Promise<void> | undefined;
  private session: RelaySession | undefined;
  private leading = false;
  private pending = false;
  private sleeper = new AbortController();
  /** Whether news end the present pause. */
  private wakeable = false;

  constructor(private readonly options: OutboxRelayOptions) {
    this.log = options.log ?? SILENT_LOG;
    this.relay = options.relay ?? DEFAULT_RELAY;
    this.metrics = relayMetrics(options.service);
  }

  /** True while this relay is the one that publishes. */
  get active(): boolean {
    return this.leading;
  }

  /** Starts publishing in the background; neither Postgres nor Kafka has to be up. */
  start(): void {
    this.running ??= this.run();
  }

  /** Says that events were just committed: the relay looks at once instead of at its next poll. */
  wake(): void {
    this.pending = true;
    if (this.wakeable) this.rouse();
  }

  /** Stops after the batch in hand, or once everything is published but at the latest after `drainMs`. */
  async stop(options: { drainMs?: number } = {}): Promise<void> {
    this.drainUntilMs = monotonicMs() + (options.drainMs ?? 0);
    this.stopping = true;
    this.rouse();
    await this.running;
    this.running = undefined;
  }

  /** How far the outbox is ahead of Kafka; undefined while Postgres is out of reach. */
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
        this.log.warn('outbox relay lost its database', { error: reasonOf(error), failures });
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

  /** Publishes until told to stop. Rejects when the session is lost. */
  private async lead(session: RelaySession): Promise<void> {
    const state = new OutboxGaps(await session.position());
    this.setLeading(true);
    this.log.info('outbox relay active', { position: state.high });
    const saved = { position: state.position, atMs: monotonicMs() };
    let failures = 0;
    let measuredMs = 0;
    for (;;) {
      this.pending = false;
      const publishedBefore = state.high;
      const full = await this.round(session, state).then(
        (isFull) => {
          failures = 0;
          return isFull;
        },
        (error: unknown) => {
          // Whatever was not acknowledged is read and published again.
          if (session.lost || !(error instanceof PublishError)) throw error;
          failures += 1;
          this.metrics.failures.inc();
          this.log.warn('events not acknowledged, trying again', { error: reasonOf(error.cause), failures });
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

  /** Reads once and publishes what it found. True when there may be more. */
  private async round(session: RelaySession, state: OutboxGaps): Promise<boolean> {
    const limit = this.options.batchMax ?? BATCH_MAX;
    const startedMs = monotonicMs();
    const { rows, xmin } = await session.read(state.high, state.gaps, limit);
    const inGaps = rows.filter((row) => !row.above);
    // With gap rows cut off by the limit, a later row of the same key could overtake one of them: gaps go first.
    const gapsCut = inGaps.length >= limit;
    const publishable = gapsCut || state.gaps.length > GAPS_MAX ? inGaps : rows;
    if (publishable.length > 0) {
      await this.publish(publishable);
      this.metrics.published.inc(publishable.length);
      this.metrics.seconds.observe((monotonicMs() - startedMs) / 1_000);
    }
    const above = publishable.filter((row) => row.above).map(({ id }) => id);
    // Ids that were cut off are not dead, so a cut reading proves nothing about transactions.
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

  /** Waits, unless there is something to do. A stop always ends the wait. */
  private async pause(ms: number, wakeable = true): Promise<void> {
    if (this.stopping || (wakeable && this.pending)) return;
    this.sleeper = new AbortController();
    this.wakeable = wakeable;
    await sleep(ms, this.sleeper.signal);
    this.wakeable = false;
  }

  private rouse(): void {
    this.wakeable = false;
    this.sleeper.abort(NEWS);
  }
}

class PublishError extends Error {}
