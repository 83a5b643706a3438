// A sale for the bench, written straight into the orders database: the bench measures claims, not the way to a round.
import { idFromUuid, newUuid } from '@gravity/kernel';
import type { Client } from 'pg';

export interface BenchSale {
  readonly path: string;
  readonly body: string;
  readonly itemUuid: string;
  readonly roundUuid: string;
}

/** A round of one item, open unless said otherwise. */
export async function createBenchSale(
  client: Client,
  quota: number,
  status: 'OPEN' | 'SETTLED' = 'OPEN',
): Promise<BenchSale> {
  const [series, round, item] = [newUuid(), newUuid(), newUuid()];
  await client.query(
    `insert into series (series_id, title, status, time_zone, recurrence, win_limit, payment_window_seconds, leftover,
       auto_approve, warm_ahead_seconds, rounds_ahead, created_by)
     values ($1, 'bench', 'ENDED', 'UTC', '{}', null, 3600, 'END', true, 1, 1, 'bench')`,
    [series],
  );
  await client.query(
    `insert into rounds (round_id, series_id, number, status, opens_at, closes_at, payment_window_seconds, leftover)
     values ($1, $2, 1, $3, now() - interval '1 second', now() + interval '2 hours', 3600, 'END')`,
    [round, series, status],
  );
  await client.query(
    `insert into round_items (item_id, round_id, series_id, position, sku_id, shop_id, merchant_id, title, price_version_id,
       price_minor, currency, per_order_limit, per_buyer_limit, quota, selling)
     values ($1, $2, $3, 0, $4, $5, $6, 'A bottle', $7, 149900, 'CNY', 1, 1000, $8, $9)`,
    [item, round, series, newUuid(), newUuid(), newUuid(), newUuid(), quota, status === 'OPEN'],
  );
  return {
    path: `/orders/v1/rounds/${idFromUuid('round', round)}/claims`,
    body: JSON.stringify({ itemId: idFromUuid('item', item), quantity: 1, regionCode: 'CN-11' }),
    itemUuid: item,
    roundUuid: round,
  };
}
