// An operator adds a round to a series by hand, beside those of its recurrence.
import { Injectable } from '@nestjs/common';
import { type Problem, refuse } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { err, ok, type Result } from '@gravity/kernel';
import { OutboxRelay } from '@gravity/messaging';
import { found, instantOf, transactional, type Write } from '@gravity/service';
import type { Opening } from '../../domain/recurrence';
import { type RoundView, roundView } from '../../round-view';
import { findRounds, insertRound, serverTimeMs } from '../../storage/rounds.repository';
import { findSeries, type Series } from '../../storage/series.repository';
import { findSkuSnapshots, type Queryable } from '../../storage/sku-snapshots.repository';
import { RoundLifecycle } from '../../workers/round-lifecycle';
import { readSaleItems, type SaleItems } from '../create-series/sale-items';
import type { CreateRoundBody } from './create-round.dto';
import { makeRound } from './round-maker';

/** The longest round and the farthest opening of an operator's round. */
const OPEN_FOR_MS_MAX = 7 * 86_400_000;
const AHEAD_MS_MAX = 366 * 86_400_000;

@Injectable()
export class CreateRound {
  constructor(
    private readonly relay: OutboxRelay,
    private readonly lifecycle: RoundLifecycle,
  ) {}

  /** Refusals: `not-found`, `invalid-request` (times, or a round that opens at the same time), `sku-unknown`. */
  execute(caller: CallerIdentity, seriesId: string, body: CreateRoundBody): Write<RoundView> {
    return transactional(
      { seriesId, body },
      async (tx) => {
        const series = found('series', seriesId, await findSeries(tx, seriesId, 'lock'));
        return series.ok ? this.create(tx, caller, series.value, body) : series;
      },
      {
        committed: () => {
          this.relay.wake();
          this.lifecycle.wake();
        },
      },
    );
  }

  private async create(
    tx: Queryable,
    caller: CallerIdentity,
    series: Series,
    body: CreateRoundBody,
  ): Promise<Result<RoundView, Problem>> {
    const opening = openingOf(body, await serverTimeMs(tx));
    if (!opening.ok) return opening;
    const sale = await itemsOf(tx, series, body);
    if (!sale.ok) return sale;
    const round = makeRound(sale.value.items, opening.value, sale.value.skus, body.approve ?? series.autoApprove);
    if (round === undefined) return refuse('sku-unknown', 'No SKU of the series is listed at the moment.');
    if (!(await insertRound(tx, series, round))) {
      return atField('/opensAt', 'is the opening time of another round of the series');
    }
    const { rounds, nowMs } = await findRounds(tx, {
      roundId: round.roundId,
      visibleTo: { everything: true },
      limit: 1,
    });
    return ok(roundView(rounds[0]!, nowMs, caller));
  }
}

function openingOf(body: CreateRoundBody, nowMs: number): Result<Opening, Problem> {
  const opensAtMs = instantOf(body.opensAt);
  const closesAtMs = instantOf(body.closesAt);
  if (closesAtMs <= opensAtMs) return atField('/closesAt', 'must be later than opensAt');
  if (closesAtMs <= nowMs) return atField('/closesAt', 'must lie in the future');
  if (closesAtMs - opensAtMs > OPEN_FOR_MS_MAX) return atField('/closesAt', 'must be at most seven days after opensAt');
  if (opensAtMs - nowMs > AHEAD_MS_MAX) return atField('/opensAt', 'must be at most a year ahead');
  return ok({ opensAtMs, closesAtMs });
}

async function itemsOf(tx: Queryable, series: Series, body: CreateRoundBody): Promise<Result<SaleItems, Problem>> {
  if (body.items !== undefined) return readSaleItems(tx, body.items);
  return ok({
    items: series.items,
    skus: await findSkuSnapshots(
      tx,
      series.items.map((item) => item.skuId),
    ),
  });
}

function atField(pointer: string, message: string): Result<never, Problem> {
  const errors = [{ pointer, message }];
  return err({ code: 'invalid-request', detail: `${pointer.slice(1)} ${message}.`, errors });
}
