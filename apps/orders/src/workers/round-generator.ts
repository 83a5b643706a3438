// Keeps the rounds of every active series generated ahead. Any number of processes may run it: a series is worked on
// under its row lock, and a series has at most one round per opening time.
import { Injectable } from '@nestjs/common';
import { OutboxRelay } from '@gravity/messaging';
import { classifyDatabaseError, Database, type Tx } from '@gravity/persistence';
import { Loop } from '@gravity/service';
import { LRUCache } from 'lru-cache';
import { nextOpenings } from '../domain/recurrence';
import { recurrenceFromJson } from '../recurrence-json';
import { existingOpenings, insertRound, serverTimeMs } from '../storage/rounds.repository';
import { findSeries, listSeries, type Series, setSeriesStatus } from '../storage/series.repository';
import { findSkuSnapshots } from '../storage/sku-snapshots.repository';
import { makeRound } from '../use-cases/create-round/round-maker';
import { RoundLifecycle } from './round-lifecycle';

const PAUSE_MS = 1_000;
const SERIES_PER_PAGE = 200;
/** Rounds made in one transaction; a series with more to make is worked on again in the next turn. */
const ROUNDS_PER_TRANSACTION = 50;
const OUTLOOKS_MAX = 10_000;
/** Pause for a series that cannot make a round because no SKU is listed. */
const NOTHING_TO_SELL_REST_MS = 5_000;

/** Failures that have to do with one series. After any other the next series would fail too. */
const SERIES_AT_FAULT: ReadonlySet<string> = new Set(['bug', 'conflict']);

interface Outlook {
  readonly version: number;
  /** By Postgres' clock: nothing to do for the series before this instant. */
  readonly idleUntilMs: number;
}

@Injectable()
export class RoundGenerator extends Loop {
  /** It saves queries only; a new process looks at every series once. */
  private readonly outlooks = new LRUCache<string, Outlook>({ max: OUTLOOKS_MAX });

  constructor(
    private readonly database: Database,
    private readonly relay: OutboxRelay,
    private readonly lifecycle: RoundLifecycle,
  ) {
    super({ name: 'round-generator', pauseMs: PAUSE_MS });
  }

  protected override async turn(stop: AbortSignal): Promise<number | void> {
    let afterId: string | undefined;
    let made = 0;
    const failures: unknown[] = [];
    do {
      const page = await listSeries(this.database, {
        status: 'ACTIVE',
        limit: SERIES_PER_PAGE,
        ...(afterId === undefined ? {} : { afterId }),
      });
      const nowMs = await serverTimeMs(this.database);
      for (const series of page.slice(0, SERIES_PER_PAGE)) {
        if (stop.aborted) return;
        if (this.isIdle(series, nowMs)) continue;
        // One series whose rounds cannot be made must not keep the others from having theirs.
        made += await this.generate(series.seriesId).catch((error: unknown) => {
          if (!SERIES_AT_FAULT.has(classifyDatabaseError(error))) throw error;
          failures.push(new Error(`series ${series.seriesId}: ${String(error)}`, { cause: error }));
          return 0;
        });
      }
      afterId = page.length > SERIES_PER_PAGE ? page[SERIES_PER_PAGE - 1]!.seriesId : undefined;
    } while (afterId !== undefined);
    if (made > 0) {
      this.relay.wake();
      this.lifecycle.wake();
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Makes the missing rounds of one series; returns how many. 0 when another process works on it. */
  async generate(seriesId: string): Promise<number> {
    const done = await this.database.transaction(async (tx) => {
      const series = await findSeries(tx, seriesId, 'skip-locked');
      if (series === undefined || series.status !== 'ACTIVE') return undefined;
      const nowMs = await serverTimeMs(tx);
      const openings = nextOpenings(recurrenceFromJson(series.recurrence), series.timeZone, nowMs, series.roundsAhead);
      if (openings.length === 0) {
        await setSeriesStatus(tx, seriesId, series.version, 'ENDED');
        return undefined;
      }
      const known = await existingOpenings(
        tx,
        seriesId,
        openings.map((opening) => opening.opensAtMs),
      );
      const missing = openings.filter((opening) => !known.has(opening.opensAtMs));
      const { made, unsellable } = await this.makeAll(tx, series, missing.slice(0, ROUNDS_PER_TRANSACTION));
      const idleUntilMs = unsellable ? nowMs + NOTHING_TO_SELL_REST_MS : openings[0]!.opensAtMs;
      return { series, made, idleUntilMs: missing.length > ROUNDS_PER_TRANSACTION ? nowMs : idleUntilMs };
    });
    if (done === undefined) return 0;
    // Only what is committed may be remembered.
    this.outlooks.set(done.series.seriesId, { version: done.series.version, idleUntilMs: done.idleUntilMs });
    return done.made;
  }

  private async makeAll(
    tx: Tx,
    series: Series,
    openings: readonly { opensAtMs: number; closesAtMs: number }[],
  ): Promise<{ made: number; unsellable: boolean }> {
    if (openings.length === 0) return { made: 0, unsellable: false };
    const skus = await findSkuSnapshots(
      tx,
      series.items.map((item) => item.skuId),
    );
    let made = 0;
    for (const opening of openings) {
      const round = makeRound(series.items, opening, skus, series.autoApprove);
      if (round === undefined) return { made, unsellable: true };
      if (await insertRound(tx, series, round)) made += 1;
    }
    return { made, unsellable: false };
  }

  private isIdle(series: Series, nowMs: number): boolean {
    const outlook = this.outlooks.get(series.seriesId);
    return outlook !== undefined && outlook.version === series.version && nowMs < outlook.idleUntilMs;
  }
}
