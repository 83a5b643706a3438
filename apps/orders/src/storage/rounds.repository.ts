// Reading, locking and changing rounds.
//
// Order of locks: series → rounds (earlier opening first) → round_items (by id). No lock is held over a call to Redis.
import { EVENTS } from '@gravity/contracts';
import { assert, newUuid } from '@gravity/kernel';
import { appendToOutbox, type OutboxEvent } from '@gravity/messaging';
import { roundMachine, type RoundStatus, SELLING_STATUSES } from '../domain/round';
import type { RoundEvent, RoundEventMaker } from '../round-events';
import {
  type LockedRound,
  type Round,
  ROUND_COLUMNS,
  ROUND_ITEM_COLUMNS,
  roundFromRow,
  type RoundItemRow,
  type RoundRow,
} from './round-rows';
import { itemToJson, type Series, type SeriesItem, timeParam } from './series.repository';
import type { Queryable, SkuSnapshot } from './sku-snapshots.repository';

/** One page of {@link findRounds}. */
export interface RoundFilter {
  readonly roundId?: string;
  readonly statuses?: readonly RoundStatus[];
  readonly seriesId?: string;
  readonly opensFromMs?: number;
  readonly opensBeforeMs?: number;
  /** Only what the public may see, and what has an item of this merchant. */
  readonly visibleTo: { readonly everything: true } | { readonly everything: false; readonly merchantId?: string };
  readonly after?: { readonly opensAtMs: number; readonly roundId: string };
  readonly limit: number;
}

/**
 * Rounds in the order of their opening; one more than `limit` when there are more. The public sees a round from its
 * approval on; a round that was cancelled after its approval stays visible, so that its followers learn of it.
 */
export async function findRounds(db: Queryable, filter: RoundFilter): Promise<{ rounds: Round[]; nowMs: number }> {
  const visible = filter.visibleTo;
  const rows = await db.query<RoundRow & { items: RoundItemRow[] | null }>(
    `select ${ROUND_COLUMNS},
       (select json_agg(item) from (select ${ROUND_ITEM_COLUMNS} from round_items i where i.round_id = r.round_id) item) as items
     from rounds r
     where ($1::uuid is null or r.round_id = $1)
       and ($2::text[] is null or r.status = any($2))
       and ($3::uuid is null or r.series_id = $3)
       and ($4::timestamptz is null or r.opens_at >= $4) and ($5::timestamptz is null or r.opens_at < $5)
       and ($6::boolean or ${PUBLIC} or ($7::uuid is not null and exists (
             select 1 from round_items own where own.round_id = r.round_id and own.merchant_id = $7)))
       and ($8::timestamptz is null or (r.opens_at, r.round_id) > ($8, $9::uuid))
     order by r.opens_at, r.round_id limit $10`,
    [
      filter.roundId ?? null,
      filter.statuses ?? null,
      filter.seriesId ?? null,
      timeParam(filter.opensFromMs),
      timeParam(filter.opensBeforeMs),
      visible.everything,
      visible.everything ? null : (visible.merchantId ?? null),
      timeParam(filter.after?.opensAtMs),
      filter.after?.roundId ?? null,
      filter.limit + 1,
    ],
  );
  const nowMs = rows[0]?.now_ms ?? (await serverTimeMs(db));
  return { rounds: rows.map((row) => roundFromRow(row, row.items ?? [])), nowMs: Math.round(nowMs) };
}

const PUBLIC = `(r.status not in ('DRAFT', 'CANCELLED') or (r.status = 'CANCELLED' and r.sequence > 1))`;

/** Postgres' clock in milliseconds since the epoch. */
export async function serverTimeMs(db: Queryable): Promise<number> {
  const [row] = await db.query<{ now_ms: number }>(
    'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms',
  );
  return Math.round(row!.now_ms);
}

/** Locks a round and its items. Undefined when there is none, or with `skip-locked` when another transaction has it. */
export async function lockRound(
  tx: Queryable,
  roundId: string,
  mode: 'wait' | 'skip-locked' = 'wait',
): Promise<LockedRound | undefined> {
  const [row] = await tx.query<RoundRow & { warm_ahead_seconds: number }>(
    `select ${ROUND_COLUMNS}, (select s.warm_ahead_seconds from series s where s.series_id = r.series_id) as warm_ahead_seconds
     from rounds r where r.round_id = $1 for no key update of r ${mode === 'wait' ? '' : 'skip locked'}`,
    [roundId],
  );
  if (row === undefined) return undefined;
  // A statement of its own: it sees what was committed while the first one waited.
  const items = await lockItems(tx, [roundId]);
  const nowMs = await serverTimeMs(tx);
  return { ...roundFromRow(row, items), warmAheadMs: row.warm_ahead_seconds * 1_000, nowMs };
}

/** Locks the items of rounds that are locked already. */
export async function lockItems(tx: Queryable, roundIds: readonly string[]): Promise<RoundItemRow[]> {
  return tx.query<RoundItemRow>(
    `select ${ROUND_ITEM_COLUMNS} from round_items i where i.round_id = any($1::uuid[])
     order by i.item_id for no key update of i`,
    [roundIds],
  );
}

/** Changes of a locked round besides its items. */
export interface RoundChange {
  readonly status?: RoundStatus;
  /** Null takes the reason away. */
  readonly stoppedReason?: string | null;
  readonly events: readonly RoundEventMaker[];
}

/** Writes a change of a locked round together with its events; returns the round as it is now. */
export async function writeRound(tx: Queryable, round: LockedRound, change: RoundChange): Promise<LockedRound> {
  const status = change.status ?? round.status;
  assert(status === round.status || roundMachine.allows(round.status, status), `round: ${round.status} → ${status}`);
  const stoppedReason = change.stoppedReason === undefined ? round.stoppedReason : (change.stoppedReason ?? undefined);
  const rows = await tx.query<{ version: number }>(
    `update rounds set status = $3, stopped_reason = $4, version = version + 1, sequence = sequence + $5
     where round_id = $1 and version = $2 returning version`,
    [round.roundId, round.version, status, stoppedReason ?? null, change.events.length],
  );
  assert(rows.length === 1, 'a round changed under its lock');
  const { stoppedReason: _, ...rest } = round;
  const changed: LockedRound = {
    ...rest,
    status,
    version: rows[0]!.version,
    sequence: round.sequence + change.events.length,
    ...(stoppedReason === undefined ? {} : { stoppedReason }),
  };
  const events = change.events.map((make, index) => make(changed, round.sequence + index + 1, round.nowMs));
  await publish(tx, events, round.nowMs);
  return changed;
}

/**
 * Puts the items of a locked round on sale, except those whose SKU the catalogue has delisted since, or takes all off.
 * With `newGate`, no earlier gate may admit claims: an item at epoch 0 waits for its load.
 */
export async function writeSelling(
  tx: Queryable,
  round: LockedRound,
  selling: boolean,
  newGate: 'keep-gate' | 'new-gate' = 'keep-gate',
): Promise<LockedRound> {
  const rows = await tx.query<{ item_id: string; selling: boolean }>(
    `update round_items i set epoch = case when $3 then 0 else i.epoch end,
       selling = $2 and exists (select 1 from sku_snapshots k where k.sku_id = i.sku_id and k.listed)
     where i.round_id = $1 returning i.item_id, i.selling`,
    [round.roundId, selling, newGate === 'new-gate'],
  );
  const now = new Map(rows.map((row) => [row.item_id, row.selling]));
  return { ...round, items: round.items.map((item) => ({ ...item, selling: now.get(item.itemId) ?? false })) };
}

/**
 * Makes running sales follow the catalogue: items of a delisted SKU are taken off, those of a listed one put on, unless
 * the sale is stopped. The gate follows through the conservation watch, which may be a second later: until then it lets
 * claims through that the decision refuses.
 */
export async function followListings(tx: Queryable, skuIds: readonly string[]): Promise<void> {
  const rounds = await tx.query<{ round_id: string }>(
    `select r.round_id from rounds r where r.status = any($1::text[])
       and exists (select 1 from round_items i where i.round_id = r.round_id and i.sku_id = any($2::uuid[]))
     order by r.opens_at, r.round_id for no key update of r`,
    [SELLING_STATUSES, skuIds],
  );
  if (rounds.length === 0) return;
  const roundIds = rounds.map((row) => row.round_id);
  await lockItems(tx, roundIds);
  await tx.query(
    `update round_items i set selling = k.listed and r.stopped_reason is null from rounds r, sku_snapshots k
     where i.round_id = any($1::uuid[]) and i.sku_id = any($2::uuid[]) and r.round_id = i.round_id and k.sku_id = i.sku_id
       and i.selling is distinct from (k.listed and r.stopped_reason is null)`,
    [roundIds, skuIds],
  );
}

/** Writes off what a locked round still has available. */
export async function writeOffLeftover(tx: Queryable, round: LockedRound): Promise<LockedRound> {
  await tx.query('update round_items set written_off = quota - held - sold where round_id = $1', [round.roundId]);
  return { ...round, items: round.items.map((item) => ({ ...item, writtenOff: item.quota - item.held - item.sold })) };
}

/** Units added to the quota of items whose rows are locked. */
export async function addQuota(tx: Queryable, units: ReadonlyMap<string, number>): Promise<void> {
  await tx.query(
    `update round_items i set quota = i.quota + n.units from unnest($1::uuid[], $2::int[]) as n(item_id, units)
     where i.item_id = n.item_id`,
    [[...units.keys()], [...units.values()]],
  );
}

export interface NewRound {
  readonly roundId: string;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly approved: boolean;
  readonly items: readonly (SeriesItem & { readonly itemId: string; readonly sku: SkuSnapshot })[];
  /** The event of an approved round. */
  readonly events: readonly RoundEventMaker[];
}

/**
 * Writes a new round of a series that is locked. Prices are frozen here. False when the series has a round that opens at
 * the same time.
 */
export async function insertRound(tx: Queryable, series: Series, round: NewRound): Promise<boolean> {
  const rows = await tx.query<RoundRow>(
    `insert into rounds as r (round_id, series_id, number, status, opens_at, closes_at, payment_window_seconds, win_limit,
       leftover, sequence)
     select $1, $2, coalesce((select max(number) from rounds where series_id = $2), 0) + 1, $3, $4, $5, $6, $7, $8, $9
     on conflict (series_id, opens_at) do nothing
     returning ${ROUND_COLUMNS}`,
    [
      round.roundId,
      series.seriesId,
      round.approved ? 'APPROVED' : 'DRAFT',
      timeParam(round.opensAtMs),
      timeParam(round.closesAtMs),
      series.paymentWindowSeconds,
      series.winLimit ?? null,
      series.leftover,
      round.events.length,
    ],
  );
  const row = rows[0];
  if (row === undefined) return false;
  const items = await tx.query<RoundItemRow>(
    `insert into round_items as i (item_id, round_id, series_id, position, sku_id, shop_id, merchant_id, title,
       price_version_id, price_minor, currency, per_order_limit, per_buyer_limit, regions, quota)
     select item_id, $1, $2, position, sku_id, shop_id, merchant_id, title, price_version_id, price_minor, currency,
       per_order_limit, per_buyer_limit, regions, quota
     from jsonb_to_recordset($3::jsonb) as item(item_id uuid, position int, sku_id uuid, shop_id uuid, merchant_id uuid,
       title text, price_version_id uuid, price_minor bigint, currency text, per_order_limit int, per_buyer_limit int,
       regions text[], quota int)
     returning ${ROUND_ITEM_COLUMNS}`,
    [round.roundId, series.seriesId, JSON.stringify(round.items.map(newItemJson))],
  );
  const written = roundFromRow(row, items);
  const nowMs = Math.round(row.now_ms);
  await publish(
    tx,
    round.events.map((make, index) => make(written, index + 1, nowMs)),
    nowMs,
  );
  return true;
}

/** The opening times among these for which the series has rounds. */
export async function existingOpenings(
  db: Queryable,
  seriesId: string,
  opensAtMs: readonly number[],
): Promise<Set<number>> {
  const rows = await db.query<{ opens_ms: number }>(
    `select (extract(epoch from opens_at) * 1000)::float8 as opens_ms from rounds
     where series_id = $1 and opens_at = any($2::timestamptz[])`,
    [seriesId, opensAtMs.map((ms) => timeParam(ms))],
  );
  return new Set(rows.map((row) => Math.round(row.opens_ms)));
}

/**
 * Locks the next round of the series that has not been warmed and sells at least one of the SKUs. Undefined when there is
 * none. The given round is locked already; rounds are locked in the order of their opening.
 */
export async function lockNextUnwarmed(
  tx: Queryable,
  after: Round,
  skuIds: readonly string[],
): Promise<string | undefined> {
  // The row may have been warmed while we waited for its lock; Postgres then returns nothing, and the next one is tried.
  const ATTEMPTS_MAX = 5;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const candidate = await tx.query<{ round_id: string }>(NEXT_UNWARMED, [
      after.seriesId,
      timeParam(after.opensAtMs),
      skuIds,
    ]);
    if (candidate.length === 0) return undefined;
    const locked = await tx.query<{ round_id: string }>(`${NEXT_UNWARMED} for no key update of r`, [
      after.seriesId,
      timeParam(after.opensAtMs),
      skuIds,
    ]);
    if (locked[0] !== undefined) return locked[0].round_id;
  }
  return undefined;
}

const NEXT_UNWARMED = `
  select r.round_id from rounds r
  where r.series_id = $1 and r.opens_at > $2 and r.status in ('DRAFT', 'APPROVED')
    and exists (select 1 from round_items i where i.round_id = r.round_id and i.sku_id = any($3::uuid[]))
  order by r.opens_at limit 1`;

async function publish(tx: Queryable, events: readonly RoundEvent[], atMs: number): Promise<void> {
  await appendToOutbox(
    tx,
    events.map(({ type, payload }): OutboxEvent => ({
      eventId: newUuid(),
      topic: EVENTS[type].topic,
      key: payload.roundId,
      type,
      payload: JSON.stringify(payload),
      occurredAtMs: atMs,
    })),
  );
}

function newItemJson(item: NewRound['items'][number], position: number): object {
  return {
    ...itemToJson(item, position),
    item_id: item.itemId,
    shop_id: item.sku.shopId,
    merchant_id: item.sku.merchantId,
    title: item.sku.title,
    price_version_id: item.sku.priceVersionId ?? null,
  };
}
