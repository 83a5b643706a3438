// Rows of rounds and their items, and the rounds they stand for: the one place that knows how the columns are read.
import type { Money } from '@gravity/kernel';
import type { ItemCounters, RoundStatus } from '../domain/round';
import { storedMoney } from './order-rows';

export type Leftover = 'END' | 'CARRY';

/** A sale item. Ids are uuids, quantities are units. */
export interface RoundItem extends ItemCounters {
  readonly itemId: string;
  readonly skuId: string;
  readonly shopId: string;
  readonly merchantId: string;
  readonly title: string;
  readonly priceVersionId?: string;
  readonly price: Money;
  readonly perOrderLimit: number;
  readonly perBuyerLimit: number;
  /** Regions of delivery; absent: everywhere. */
  readonly regions?: readonly string[];
  /** Units sold again after they had come back. */
  readonly resold: number;
  readonly selling: boolean;
}

export interface Round {
  readonly roundId: string;
  readonly seriesId: string;
  readonly number: number;
  readonly status: RoundStatus;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly paymentWindowSeconds: number;
  readonly winLimit?: number;
  readonly leftover: Leftover;
  readonly stoppedReason?: string;
  readonly version: number;
  /** Events published so far. */
  readonly sequence: number;
  readonly items: readonly RoundItem[];
}

/** A round whose row and items are locked by the transaction. */
export interface LockedRound extends Round {
  readonly warmAheadMs: number;
  /** Postgres' clock, read under the locks. */
  readonly nowMs: number;
}

export interface RoundRow {
  round_id: string;
  series_id: string;
  number: number;
  status: RoundStatus;
  opens_ms: number;
  closes_ms: number;
  payment_window_seconds: number;
  win_limit: number | null;
  leftover: Leftover;
  stopped_reason: string | null;
  version: number;
  sequence: number;
  now_ms: number;
}

export interface RoundItemRow {
  item_id: string;
  round_id: string;
  position: number;
  sku_id: string;
  shop_id: string;
  merchant_id: string;
  title: string;
  price_version_id: string | null;
  price_minor: number | bigint;
  currency: string;
  per_order_limit: number;
  per_buyer_limit: number;
  regions: string[] | null;
  quota: number;
  held: number;
  sold: number;
  written_off: number;
  resold: number;
  selling: boolean;
}

/** The columns of a {@link RoundRow}; the table is called \`r\`. */
export const ROUND_COLUMNS = `
  r.round_id, r.series_id, r.number, r.status, r.payment_window_seconds, r.win_limit, r.leftover, r.stopped_reason,
  r.version, r.sequence, (extract(epoch from r.opens_at) * 1000)::float8 as opens_ms,
  (extract(epoch from r.closes_at) * 1000)::float8 as closes_ms,
  (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms`;

/** The columns of a {@link RoundItemRow}; the table is called \`i\`. */
export const ROUND_ITEM_COLUMNS = `
  i.item_id, i.round_id, i.position, i.sku_id, i.shop_id, i.merchant_id, i.title, i.price_version_id, i.price_minor, i.currency,
  i.per_order_limit, i.per_buyer_limit, i.regions, i.quota, i.held, i.sold, i.written_off, i.resold, i.selling`;

/** The item in a row. */
export function itemFromRow(row: RoundItemRow): RoundItem {
  return {
    itemId: row.item_id,
    skuId: row.sku_id,
    shopId: row.shop_id,
    merchantId: row.merchant_id,
    title: row.title,
    ...(row.price_version_id === null ? {} : { priceVersionId: row.price_version_id }),
    price: storedMoney(String(row.price_minor), row.currency),
    perOrderLimit: row.per_order_limit,
    perBuyerLimit: row.per_buyer_limit,
    ...(row.regions === null ? {} : { regions: row.regions }),
    quota: row.quota,
    held: row.held,
    sold: row.sold,
    writtenOff: row.written_off,
    resold: row.resold,
    selling: row.selling,
  };
}

/** The round in a row, with its items in the order of the series. */
export function roundFromRow(row: RoundRow, items: readonly RoundItemRow[]): Round {
  return {
    roundId: row.round_id,
    seriesId: row.series_id,
    number: row.number,
    status: row.status,
    opensAtMs: Math.round(row.opens_ms),
    closesAtMs: Math.round(row.closes_ms),
    paymentWindowSeconds: row.payment_window_seconds,
    ...(row.win_limit === null ? {} : { winLimit: row.win_limit }),
    leftover: row.leftover,
    ...(row.stopped_reason === null ? {} : { stoppedReason: row.stopped_reason }),
    version: row.version,
    sequence: row.sequence,
    items: [...items].sort((a, b) => a.position - b.position).map(itemFromRow),
  };
}
