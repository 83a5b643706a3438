// An operator adds a round to a series by hand, beside those of its recurrence.
import { Injectable } from '@nestjs/common';
import { type Problem, refuse } from '@gravity/contracts';
import { type CallerIdentity, fingerprintOf, type IdempotentAnswer, runIdempotent } from '@gravity/http';
import { err, ok, type Result } from '@gravity/kernel';
import { OutboxRelay } from '@gravity/messaging';
import { Database } from '@gravity/persistence';
import type { Opening } from '../../domain/recurrence';
import { notFound, parsePathId } from '../../round-access';
import { type RoundView, roundView } from '../../round-view';
import { findRounds, insertRound, serverTimeMs } from '../../storage/rounds.repository';
import { findSeries, type Series } from '../../storage/series.repository';
import { findSkuSnapshots, type Queryable } from '../../storage/sku-snapshots.repository';
import { RoundLifecycle } from '../../workers/round-lifecycle';
import { readSaleItems, type SaleItems } from '../create-series/sale-items';
import type { CreateRoundBody } from './create-round.dto';
import { makeRound } from './round-maker';

/** Longest round, and farthest opening, that an operator may ask for. */
const OPEN_FOR_MS_MAX = 7 * 86_400_000;
const AHEAD_MS_MAX = 366 * 86_400_000;

@Injectable()
export class CreateRound {
  constructor(
    private readonly database: Database,
    private readonly relay: OutboxRelay,
    private readonly lifecycle: RoundLifecycle,
  ) {}

  /** Refusals: `not-found`, `invalid-request` (times, or a round that opens at the same time), `sku-unknown`. */
  async execute(
    caller: CallerIdentity,
    key: string,
    seriesId: string,
    body: CreateRoundBody,
  ): Promise<Result<IdempotentAnswer<RoundView>, Problem>> {
    const id = parsePathId('series', seriesId);
    if (!id.ok) return id;
    const command = {
      caller: caller.sub,
      operation: 'createRound',
      key,
      fingerprint: fingerprintOf({ seriesId, body }),
    };
    const answer = await this.database.transaction((tx) =>
      runIdempotent(tx, command, async () => {
        const series = await findSeries(tx, id.value, 'lock');
        if (series === undefined) return notFound('series', seriesId);
        const made = await this.create(tx, caller, series, body);
        return made.ok ? ok({ status: 201, body: made.value }) : made;
      }),
    );
    if (answer.ok) {
      this.relay.wake();
      this.lifecycle.wake();
    }
    return answer;
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
  const opensAtMs = Date.parse(body.opensAt);
  const closesAtMs = Date.parse(body.closesAt);
  if (Number.isNaN(opensAtMs)) return atField('/opensAt', 'is not a time that exists');
  if (Number.isNaN(closesAtMs) || closesAtMs <= opensAtMs) return atField('/closesAt', 'must be later than opensAt');
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
