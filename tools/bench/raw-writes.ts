// The lower bound for a claim: the rows of accepted claims, written to Postgres by one prepared multi-row statement at a
// time, without any decision.
import { newUuid } from '@gravity/kernel';
import { Client } from 'pg';
import { type Percentiles, percentilesOf } from '../lib/percentiles';

/** The number of claims in a batch under load. */
export const ROWS_OF_BATCH = 256;

const WRITE = `with placed as (
    insert into orders (order_id, claim_id, fingerprint, buyer_id, merchant_id, shop_id, series_id, round_id, item_id, quantity,
      total_minor, currency, region_code, status, placed_at, expires_at)
    select o, c, 'raw', b, $5, $5, $5, $5, $4, 1, 149900, 'CNY', 'CN-11', 'AWAITING_PAYMENT', now(), now() + interval '1 hour'
    from unnest($1::uuid[], $2::uuid[], $3::text[]) as row(o, c, b)),
  lines as (
    insert into order_lines (order_id, line_number, sku_id, title, quantity, unit_price_minor, price_version_id)
    select o, 1, $5, 'A bottle', 1, 149900, $5 from unnest($1::uuid[]) as row(o)),
  published as (
    insert into outbox (event_id, topic, key, type, payload, occurred_at)
    select c, 'bench.raw', b, 'bench.raw.written.v1', $6, now() from unnest($2::uuid[], $3::text[]) as row(c, b))
  update round_items set held = held + $7 where item_id = $4`;

/** Measures the rows of accepted claims per second, `rows` per statement, and the latency of a statement in ms. */
export async function measureRawWrites(
  url: string,
  itemUuid: string,
  measureMs: number,
  rows: number,
): Promise<Percentiles & { count: number; perSecond: number }> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const took: number[] = [];
  const payload = JSON.stringify({ padding: 'x'.repeat(600) });
  const other = newUuid();
  const startedAt = performance.now();
  while (performance.now() - startedAt < measureMs) {
    const ids = Array.from({ length: rows }, () => newUuid());
    const claims = ids.map(() => newUuid());
    const buyers = ids.map((_, index) => `b_raw_${index}`);
    const before = performance.now();
    await client.query({ name: 'raw', text: WRITE, values: [ids, claims, buyers, itemUuid, other, payload, rows] });
    took.push(performance.now() - before);
  }
  const elapsed = performance.now() - startedAt;
  await client.end();
  const count = took.length * rows;
  return { count, perSecond: (count * 1_000) / elapsed, ...percentilesOf(took) };
}
