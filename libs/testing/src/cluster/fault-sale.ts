// An open round of one or more items, written straight into the orders database, for specs that start with a claim. The
// series is ENDED, so no worker makes further rounds of it.
import { idFromUuid, newUuid } from '@gravity/kernel';
import type { SqlClient } from './promises';

export interface FaultSale {
  readonly seriesUuid: string;
  readonly roundUuid: string;
  readonly itemUuids: readonly string[];
  readonly roundId: string;
  readonly itemIds: readonly string[];
}

export interface FaultSaleOptions {
  readonly quotas: readonly number[];
  readonly perBuyerLimit?: number;
  readonly winLimit?: number;
  readonly paymentWindowSeconds?: number;
  /** Milliseconds since the opening. Default a second. */
  readonly openSinceMs?: number;
  readonly priceMinor?: number;
  readonly admissionOrder?: 'FIRST_COME' | 'DRAW';
}

/** Units may be claimed at once and for an hour. */
export async function openSale(client: SqlClient, options: FaultSaleOptions): Promise<FaultSale> {
  const { quotas, perBuyerLimit = 1, winLimit = null, paymentWindowSeconds = 600, openSinceMs = 1_000 } = options;
  const { priceMinor = 149_900, admissionOrder = 'FIRST_COME' } = options;
  const [seriesUuid, roundUuid] = [newUuid(), newUuid()];
  const itemUuids = quotas.map(() => newUuid());
  await client.query(
    `insert into series (series_id, title, status, time_zone, recurrence, win_limit, payment_window_seconds, leftover,
       auto_approve, warm_ahead_seconds, rounds_ahead, created_by, admission_order)
     values ($1, 'faults', 'ENDED', 'UTC', '{}', $2, $3, 'END', true, 1, 1, 'op_1', $4)`,
    [seriesUuid, winLimit, paymentWindowSeconds, admissionOrder],
  );
  await client.query(
    `insert into rounds (round_id, series_id, number, status, opens_at, closes_at, payment_window_seconds, win_limit, leftover)
     values ($1, $2, 1, 'OPEN', now() - $5 * interval '1 millisecond', now() + interval '1 hour', $3, $4, 'END')`,
    [roundUuid, seriesUuid, paymentWindowSeconds, winLimit, openSinceMs],
  );
  for (const [position, quota] of quotas.entries()) {
    await client.query(
      `insert into round_items (item_id, round_id, series_id, position, sku_id, shop_id, merchant_id, title,
         price_version_id, price_minor, currency, per_order_limit, per_buyer_limit, quota, selling)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $12, 'CNY', $10, $10, $11, true)`,
      [
        itemUuids[position],
        roundUuid,
        seriesUuid,
        position,
        newUuid(),
        newUuid(),
        newUuid(),
        `Item ${position}`,
        newUuid(),
        perBuyerLimit,
        quota,
        priceMinor,
      ],
    );
  }
  return {
    seriesUuid,
    roundUuid,
    itemUuids,
    roundId: idFromUuid('round', roundUuid),
    itemIds: itemUuids.map((uuid) => idFromUuid('item', uuid)),
  };
}
