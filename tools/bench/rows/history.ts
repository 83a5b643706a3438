// The cost of a claim must not grow with the number of past orders: the same row over tables of growing length.
import { idFromUuid, newUuid, sleep } from '@gravity/kernel';
import { Client } from 'pg';
import { BUYERS, consumerIdle, CLIENTS, DEEP_QUOTA, measureClaims, type Reading, type RowKind } from '../row';
import { createBenchSale } from '../sale';
import { readMetric } from '../services';
import { buyerId, type BenchSystem } from '../system';

const ORDERS = [1_000, 10_000, 100_000, 1_000_000] as const;
const EVENTS = 1_000_000;
const ROWS_PER_STATEMENT = 10_000;
const POLL_MS = 250;
const DRAINED_WITHIN_MS = 600_000;

/** The order matters: the table of orders is emptied first and then grows; the outbox is full before the last row. */
export const HISTORY: readonly RowKind[] = [
  ...ORDERS.slice(0, -1).map(overOrders),
  { name: `outbox-${EVENTS}`, measure: drainOutbox },
  overOrders(ORDERS.at(-1)!),
];

function overOrders(orders: number): RowKind {
  const name = `orders-${orders}`;
  const measure = async (system: BenchSystem): Promise<Reading> => {
    if (orders === ORDERS[0]) await removeOrders(system.database);
    await fillOrders(system, orders);
    const { targets } = await createBenchSale(system.database, { quota: DEEP_QUOTA });
    return measureClaims(system, name, { clients: CLIENTS, targets });
  };
  return { name, measure };
}

/** Ends all rounds and removes their orders. */
async function removeOrders(database: Client): Promise<void> {
  await database.query(`update rounds set status = 'SETTLED' where status <> 'SETTLED'`);
  await database.query('update round_items set selling = false');
  await database.query('truncate orders, order_lines cascade');
}

const FILL_ORDERS = `with placed as (
    insert into orders (order_id, claim_id, fingerprint, buyer_id, merchant_id, shop_id, series_id, round_id, item_id, quantity,
      total_minor, currency, region_code, status, placed_at, expires_at)
    select o, gen_random_uuid(), 'bench', b, i.merchant_id, i.shop_id, i.series_id, i.round_id, i.item_id, 1, 149900, 'CNY', 'CN-11',
      'CLOSED', now() - interval '1 day', now() - interval '23 hours'
    from unnest($1::uuid[], $2::text[]) as row(o, b), round_items i where i.item_id = $3)
  insert into order_lines (order_id, line_number, sku_id, title, quantity, unit_price_minor, price_version_id)
  select o, 1, i.sku_id, 'A bottle', 1, 149900, i.price_version_id
  from unnest($1::uuid[]) as row(o), round_items i where i.item_id = $3`;

/** Adds orders of a settled round, by the buyers of the load, until the table has `upTo` rows. */
async function fillOrders({ database, say }: BenchSystem, upTo: number): Promise<void> {
  const { itemUuids } = await createBenchSale(database, { quota: DEEP_QUOTA, status: 'SETTLED' });
  const { rows } = await database.query<{ count: string }>('select count(*) from orders');
  for (let have = Number(rows[0]!.count); have < upTo;) {
    const count = Math.min(ROWS_PER_STATEMENT, upTo - have);
    const ids = Array.from({ length: count }, () => newUuid());
    await database.query(FILL_ORDERS, [ids, ids.map((_, n) => buyerId((have + n) % BUYERS)), itemUuids[0]]);
    have += count;
    if (have % 100_000 === 0) say(`  ${have.toLocaleString('en')} orders in the table`);
  }
  // Autovacuum would do this later.
  await database.query('analyze orders, order_lines');
}

/** Publishes a million events of one commit. Measures events per second, and whether the rate stays constant. */
async function drainOutbox(system: BenchSystem): Promise<Reading> {
  const { orders } = system.services;
  const published = (): Promise<number> => readMetric(orders, 'outbox_published_total');
  await consumerIdle(system);
  const before = await published();
  await writeEvents(system);
  const seen: { atMs: number; count: number }[] = [];
  for (let count = 0; count < EVENTS;) {
    await sleep(POLL_MS);
    count = (await published()) - before;
    seen.push({ atMs: performance.now(), count });
    if (seen.at(-1)!.atMs - seen[0]!.atMs > DRAINED_WITHIN_MS) throw new Error(`only ${count} events were published`);
  }
  await consumerIdle(system, DRAINED_WITHIN_MS);
  const perSecond = rateOf(seen, 0, 1);
  const drift = rateOf(seen, 0.9, 1) / rateOf(seen, 0, 0.1);
  return { clients: 0, perSecond, cpuUs: {}, facts: { 'rate of the last tenth / of the first': drift } };
}

/** Events per second between two shares of all events, by the samples nearest to them. */
function rateOf(seen: readonly { atMs: number; count: number }[], from: number, to: number): number {
  const first =
    seen.filter(({ count }) => count > 0 && count <= from * EVENTS).at(-1) ?? seen.find(({ count }) => count > 0)!;
  const last = seen.find(({ count }) => count >= to * EVENTS)!;
  return ((last.count - first.count) * 1_000) / (last.atMs - first.atMs);
}

/** Writes all events in one transaction, so that the relay finds all of them at once. */
async function writeEvents({ ordersUrl, say }: BenchSystem): Promise<void> {
  const client = new Client({ connectionString: ordersUrl });
  await client.connect();
  const payload = JSON.stringify({ placedAt: new Date().toISOString(), padding: 'x'.repeat(600) });
  await client.query('begin');
  for (let have = 0; have < EVENTS; have += ROWS_PER_STATEMENT) {
    const ids = Array.from({ length: ROWS_PER_STATEMENT }, () => newUuid());
    const keys = ids.map((id) => idFromUuid('order', id));
    await client.query(
      `insert into outbox (event_id, topic, key, type, payload, occurred_at)
       select e, 'orders.order', k, 'orders.order.placed.v1', $3, now() from unnest($1::uuid[], $2::text[]) as row(e, k)`,
      [ids, keys, payload],
    );
    if ((have + ROWS_PER_STATEMENT) % 250_000 === 0)
      say(`  ${(have + ROWS_PER_STATEMENT).toLocaleString('en')} events written`);
  }
  await client.query('commit');
  await client.end();
}
