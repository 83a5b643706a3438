// Sales for the bench, written directly to the orders database: the bench measures claims, not how a round is created.
import { idFromUuid, newUuid } from '@gravity/kernel';
import type { Client } from 'pg';
import type { Target } from './load';

export interface BenchSale {
  /** One claim of each item. */
  readonly targets: readonly Target[];
  readonly itemUuids: readonly string[];
}

export interface SaleOptions {
  /** Units of each item. */
  readonly quota: number;
  /** Items of each round. Default 1. */
  readonly items?: number;
  /** Rounds, each in its own series. Default 1. */
  readonly rounds?: number;
  readonly status?: 'OPEN' | 'SETTLED';
}

/** Creates rounds; they are open unless `status` differs. */
export async function createBenchSale(client: Client, options: SaleOptions): Promise<BenchSale> {
  const { quota, items = 1, rounds = 1, status = 'OPEN' } = options;
  const sale = { targets: [] as Target[], itemUuids: [] as string[] };
  for (let count = 0; count < rounds; count += 1) {
    const [series, round] = [newUuid(), newUuid()];
    const itemUuids = Array.from({ length: items }, () => newUuid());
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
       select item, $2, $3, place - 1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'A bottle',
         gen_random_uuid(), 149900, 'CNY', 1, 1000, $4, $5
       from unnest($1::uuid[]) with ordinality as i(item, place)`,
      [itemUuids, round, series, quota, status === 'OPEN'],
    );
    const path = `/orders/v1/rounds/${idFromUuid('round', round)}/claims`;
    for (const item of itemUuids) {
      const body = JSON.stringify({ itemId: idFromUuid('item', item), quantity: 1, regionCode: 'CN-11' });
      sale.targets.push({ path, body });
      sale.itemUuids.push(item);
    }
  }
  return sale;
}
