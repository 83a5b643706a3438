// An open sale written straight into Postgres, for specs that start below the API.
import { newUuid } from '@gravity/kernel';
import type { Database } from '@gravity/persistence';

export interface SaleOptions {
  readonly quotas?: readonly number[];
  readonly perOrderLimit?: number;
  readonly perBuyerLimit?: number;
  readonly winLimit?: number | null;
  readonly paymentWindowSeconds?: number;
  readonly opensInSeconds?: number;
  readonly openForSeconds?: number;
  readonly status?: string;
  readonly regions?: readonly string[] | null;
  readonly priceMinor?: number;
  readonly currency?: string;
  readonly admissionOrder?: 'FIRST_COME' | 'DRAW';
}

export interface Sale {
  readonly seriesId: string;
  readonly roundId: string;
  readonly itemIds: readonly string[];
}

/** A series with one round of one item per quota, selling unless the status says otherwise. Ids are uuids. */
export async function createSale(database: Database, options: SaleOptions = {}): Promise<Sale> {
  const { quotas = [10], winLimit = null, paymentWindowSeconds = 60, status = 'OPEN' } = options;
  const { opensInSeconds = -1, openForSeconds = 600, perOrderLimit = 1, perBuyerLimit = 1, regions = null } = options;
  const { priceMinor = 149_900, currency = 'CNY', admissionOrder = 'FIRST_COME' } = options;
  const sale: Sale = { seriesId: newUuid(), roundId: newUuid(), itemIds: quotas.map(() => newUuid()) };
  await database.query(
    `insert into series (series_id, title, status, time_zone, recurrence, win_limit, payment_window_seconds, leftover,
       auto_approve, warm_ahead_seconds, rounds_ahead, created_by, admission_order)
     values ($1, 'test', 'ACTIVE', 'Asia/Shanghai', '{}', $2, $3, 'END', true, 30, 1, 'op_1', $4)`,
    [sale.seriesId, winLimit, paymentWindowSeconds, admissionOrder],
  );
  await database.query(
    `insert into rounds (round_id, series_id, number, status, opens_at, closes_at, payment_window_seconds, win_limit, leftover)
     values ($1, $2, 1, $3, now() + make_interval(secs => $4), now() + make_interval(secs => $5), $6, $7, 'END')`,
    [
      sale.roundId,
      sale.seriesId,
      status,
      opensInSeconds,
      opensInSeconds + openForSeconds,
      paymentWindowSeconds,
      winLimit,
    ],
  );
  for (const [position, quota] of quotas.entries()) {
    await database.query(
      `insert into round_items (item_id, round_id, series_id, position, sku_id, shop_id, merchant_id, title,
         price_version_id, price_minor, currency, per_order_limit, per_buyer_limit, regions, quota, selling)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $15, $16, $10, $11, $12, $13, $14)`,
      [
        sale.itemIds[position],
        sale.roundId,
        sale.seriesId,
        position,
        newUuid(),
        newUuid(),
        newUuid(),
        `Item ${position}`,
        newUuid(),
        perOrderLimit,
        perBuyerLimit,
        regions,
        quota,
        ['WARMED', 'OPEN', 'SOLD_OUT'].includes(status),
        priceMinor,
        currency,
      ],
    );
  }
  return sale;
}
