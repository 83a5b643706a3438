// Series and the templates of their items.
import { type Money, toRfc3339 } from '@gravity/kernel';
import type { RecurrenceJson } from '../recurrence-json';
import { storedMoney } from './order-rows';
import type { AdmissionOrderName } from '../domain/round';
import type { Leftover } from './round-rows';
import type { Queryable } from './sku-snapshots.repository';

export const SERIES_STATUSES = ['ACTIVE', 'PAUSED', 'ENDED'] as const;
export type SeriesStatus = (typeof SERIES_STATUSES)[number];

/** The template of a sale item. */
export interface SeriesItem {
  readonly skuId: string;
  readonly quota: number;
  readonly price: Money;
  readonly perOrderLimit: number;
  readonly perBuyerLimit: number;
  readonly regions?: readonly string[];
}

export interface NewSeries {
  readonly seriesId: string;
  readonly title: string;
  readonly timeZone: string;
  readonly recurrence: RecurrenceJson;
  readonly winLimit?: number;
  readonly paymentWindowSeconds: number;
  readonly leftover: Leftover;
  readonly admissionOrder: AdmissionOrderName;
  readonly autoApprove: boolean;
  readonly warmAheadSeconds: number;
  readonly roundsAhead: number;
  readonly items: readonly SeriesItem[];
  readonly createdBy: string;
}

export interface Series extends NewSeries {
  readonly status: SeriesStatus;
  readonly version: number;
  readonly createdAtMs: number;
  readonly admission: 'GATE' | 'DIRECT';
  readonly epoch: bigint;
}

interface SeriesRow {
  series_id: string;
  title: string;
  status: SeriesStatus;
  time_zone: string;
  recurrence: RecurrenceJson;
  win_limit: number | null;
  payment_window_seconds: number;
  leftover: Leftover;
  admission_order: AdmissionOrderName;
  auto_approve: boolean;
  warm_ahead_seconds: number;
  rounds_ahead: number;
  epoch: number | bigint;
  admission: 'GATE' | 'DIRECT';
  version: number;
  created_by: string;
  created_ms: number;
  items: readonly SeriesItemJson[] | null;
}

interface SeriesItemJson {
  sku_id: string;
  quota: number;
  price_minor: string;
  currency: string;
  per_order_limit: number;
  per_buyer_limit: number;
  regions: string[] | null;
}

const COLUMNS = `
  s.series_id, s.title, s.status, s.time_zone, s.recurrence, s.win_limit, s.payment_window_seconds, s.leftover,
  s.admission_order, s.auto_approve, s.warm_ahead_seconds, s.rounds_ahead, s.epoch, s.admission, s.version, s.created_by,
  (extract(epoch from s.created_at) * 1000)::float8 as created_ms,
  (select json_agg(json_build_object('sku_id', i.sku_id, 'quota', i.quota, 'price_minor', i.price_minor::text,
     'currency', i.currency, 'per_order_limit', i.per_order_limit, 'per_buyer_limit', i.per_buyer_limit,
     'regions', i.regions) order by i.position)
   from series_items i where i.series_id = s.series_id) as items`;

/** Writes a new series with its items. */
export async function insertSeries(tx: Queryable, series: NewSeries): Promise<void> {
  await tx.query(
    `insert into series (series_id, title, status, time_zone, recurrence, win_limit, payment_window_seconds, leftover,
       auto_approve, warm_ahead_seconds, rounds_ahead, created_by, admission_order)
     values ($1, $2, 'ACTIVE', $3, $4::jsonb, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      series.seriesId,
      series.title,
      series.timeZone,
      JSON.stringify(series.recurrence),
      series.winLimit ?? null,
      series.paymentWindowSeconds,
      series.leftover,
      series.autoApprove,
      series.warmAheadSeconds,
      series.roundsAhead,
      series.createdBy,
      series.admissionOrder,
    ],
  );
  await tx.query(
    `insert into series_items (series_id, position, sku_id, quota, price_minor, currency, per_order_limit,
       per_buyer_limit, regions)
     select $1, position, sku_id, quota, price_minor, currency, per_order_limit, per_buyer_limit, regions
     from jsonb_to_recordset($2::jsonb) as item(position int, sku_id uuid, quota int, price_minor bigint, currency text,
       per_order_limit int, per_buyer_limit int, regions text[])`,
    [series.seriesId, JSON.stringify(series.items.map(itemToJson))],
  );
}

/** One series, or undefined. `lock` keeps others from changing it, and from adding rounds to it, until commit. */
export async function findSeries(
  db: Queryable,
  seriesId: string,
  lock: 'lock' | 'skip-locked' | 'none' = 'none',
): Promise<Series | undefined> {
  const locking = { lock: 'for no key update of s', 'skip-locked': 'for no key update of s skip locked', none: '' }[
    lock
  ];
  const rows = await db.query<SeriesRow>(`select ${COLUMNS} from series s where s.series_id = $1 ${locking}`, [
    seriesId,
  ]);
  return rows[0] && seriesFromRow(rows[0]);
}

/** Series in the order of their ids, which is the order of creation; one more than `limit` when there are more. */
export async function listSeries(
  db: Queryable,
  filter: { readonly status?: SeriesStatus; readonly afterId?: string; readonly limit: number },
): Promise<Series[]> {
  const rows = await db.query<SeriesRow>(
    `select ${COLUMNS} from series s
     where ($1::text is null or s.status = $1) and ($2::uuid is null or s.series_id > $2)
     order by s.series_id limit $3`,
    [filter.status ?? null, filter.afterId ?? null, filter.limit + 1],
  );
  return rows.map(seriesFromRow);
}

/** Moves a series on when it is still at this version; false otherwise. */
export async function setSeriesStatus(
  tx: Queryable,
  seriesId: string,
  version: number,
  status: SeriesStatus,
): Promise<boolean> {
  const rows = await tx.query(
    `update series set status = $3, version = version + 1 where series_id = $1 and version = $2 returning 1`,
    [seriesId, version, status],
  );
  return rows.length === 1;
}

/** An item of a template as `jsonb_to_recordset` reads it. */
export function itemToJson(item: SeriesItem, position: number): object {
  return {
    position,
    sku_id: item.skuId,
    quota: item.quota,
    price_minor: String(item.price.minor),
    currency: item.price.currency,
    per_order_limit: item.perOrderLimit,
    per_buyer_limit: item.perBuyerLimit,
    regions: item.regions ?? null,
  };
}

function seriesFromRow(row: SeriesRow): Series {
  return {
    seriesId: row.series_id,
    title: row.title,
    status: row.status,
    timeZone: row.time_zone,
    recurrence: row.recurrence,
    ...(row.win_limit === null ? {} : { winLimit: row.win_limit }),
    paymentWindowSeconds: row.payment_window_seconds,
    leftover: row.leftover,
    admissionOrder: row.admission_order,
    autoApprove: row.auto_approve,
    warmAheadSeconds: row.warm_ahead_seconds,
    roundsAhead: row.rounds_ahead,
    epoch: BigInt(row.epoch),
    admission: row.admission,
    version: row.version,
    createdBy: row.created_by,
    createdAtMs: Math.round(row.created_ms),
    items: (row.items ?? []).map((item) => ({
      skuId: item.sku_id,
      quota: item.quota,
      price: storedMoney(item.price_minor, item.currency),
      perOrderLimit: item.per_order_limit,
      perBuyerLimit: item.per_buyer_limit,
      ...(item.regions === null ? {} : { regions: item.regions }),
    })),
  };
}

/** A bound for SQL: undefined is null, milliseconds become RFC 3339, which Postgres reads without rounding. */
export function timeParam(ms: number | undefined): string | null {
  return ms === undefined ? null : toRfc3339(ms);
}
