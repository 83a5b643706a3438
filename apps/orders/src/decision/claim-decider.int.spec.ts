// Goal: the decision accepts exactly what the quota, the limits and the epoch allow, at any interleaving, and answers
// each claim. Method: batches against a real Postgres, several deciders at once.
import { idFromUuid, newUuid, systemClock, uuidFromParts } from '@gravity/kernel';
import { classifyDatabaseError, type Database, migrate, openDatabase } from '@gravity/persistence';
import { eventually, freshDatabase, type FreshDatabase, TcpProxy } from '@gravity/testing';
import { createSale, type Sale, type SaleOptions } from '../../test/support/sale-fixture';
import { SaleDirectory, type SaleItem } from '../sales/sale-directory';
import { ordersMigrations } from '../storage/migrations';
import type { ClaimCommand, ClaimDecision } from './claim-command';
import { ClaimDecider } from './claim-decider';
import { ServerClock } from './server-clock';

let fresh: FreshDatabase;
let database: Database;

beforeAll(async () => {
  fresh = await freshDatabase('decider');
  await migrate({ url: fresh.url, service: 'orders', migrations: ordersMigrations });
  database = openDatabase({ url: fresh.url, applicationName: 'decider-spec' });
});

afterAll(async () => {
  await database.close();
  await fresh.drop();
});

const decider = (over = database): ClaimDecider =>
  new ClaimDecider(over, new ServerClock(over, systemClock), {
    batchMax: 256,
    queueMax: 100_000,
    onCommitted: () => undefined,
  });

async function saleWithItems(options: SaleOptions): Promise<{ sale: Sale; items: SaleItem[] }> {
  const sale = await createSale(database, options);
  await database.query(`update series set admission = 'DIRECT' where series_id = $1`, [sale.seriesId]);
  await database.query(`update round_items set admission = 'DIRECT' where series_id = $1`, [sale.seriesId]);
  const round = await new SaleDirectory(database, () => 0).refresh(sale.roundId);
  return { sale, items: [...round!.items.values()] };
}

function command(item: SaleItem, buyerId: string, more: Partial<ClaimCommand> = {}): ClaimCommand {
  const orderId = newUuid();
  return {
    claimId: uuidFromParts('claim', buyerId, orderId),
    orderId,
    orderKey: idFromUuid('order', orderId),
    item,
    buyerId,
    quantity: 1,
    epoch: null,
    admissionNumber: null,
    fingerprint: 'same',
    regionCode: 'CN-11',
    paymentWindowMs: 60_000,
    traceparent: undefined,
    ...more,
  };
}

/** Submits again what the decision asks to submit again, as the use case does. */
async function settle(target: ClaimDecider, claim: ClaimCommand): Promise<ClaimDecision> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const decision = await target.submit(claim);
    if (decision.outcome !== 'RETRY') return decision;
  }
  throw new Error('still RETRY after 50 attempts');
}

const outcomes = (decisions: readonly ClaimDecision[]): Record<string, number> =>
  decisions.reduce<Record<string, number>>(
    (count, { outcome }) => ({ ...count, [outcome]: (count[outcome] ?? 0) + 1 }),
    {},
  );

async function counters(itemId: string): Promise<{ held: number; orders: number; placed: number }> {
  const [row] = await database.query<{ held: number; orders: number; placed: number }>(
    `select held, (select count(*)::int from orders o where o.item_id = i.item_id) as orders,
            (select count(*)::int from outbox b join orders o on b.payload::jsonb ->> 'buyerId' = o.buyer_id
             where o.item_id = i.item_id and b.type = 'orders.order.placed.v1') as placed
     from round_items i where item_id = $1`,
    [itemId],
  );
  return row!;
}

it('accepts exactly the quota of many claims on two deciders, each claim submitted twice', async () => {
  const { items } = await saleWithItems({ quotas: [20] });
  const claims = Array.from({ length: 300 }, () => command(items[0]!, `b_${newUuid()}`));
  const deciders = [decider(), decider()];
  const decisions = await Promise.all(claims.flatMap((claim) => deciders.map((target) => settle(target, claim))));
  expect(outcomes(decisions)).toEqual({ ACCEPTED: 20, REPLAYED: 20, SOLD_OUT: 560 });
  expect(await counters(items[0]!.itemId)).toEqual({ held: 20, orders: 20, placed: 20 });
});

it('keeps the win limit over the items of a series', async () => {
  const { items } = await saleWithItems({ quotas: [50, 50], winLimit: 1 });
  const buyers = Array.from({ length: 30 }, () => `b_${newUuid()}`);
  const deciders = [decider(), decider()];
  const decisions = await Promise.all(
    buyers.flatMap((buyer) => items.map((item, index) => settle(deciders[index]!, command(item, buyer)))),
  );
  expect(outcomes(decisions)).toEqual({ ACCEPTED: 30, ALREADY_WON: 30 });
});

it('keeps the limit per buyer over several orders', async () => {
  const { items } = await saleWithItems({ quotas: [50], perOrderLimit: 2, perBuyerLimit: 3 });
  const target = decider();
  const decisions = await Promise.all(
    [1, 2, 1].map((quantity) => settle(target, command(items[0]!, 'b_many', { quantity }))),
  );
  const units = decisions.map((decision, index) => (decision.outcome === 'ACCEPTED' ? [1, 2, 1][index]! : 0));
  expect(units.reduce((sum, quantity) => sum + quantity, 0)).toBeLessThanOrEqual(3);
  expect(decisions.some((decision) => decision.outcome === 'LIMIT_REACHED')).toBe(true);
});

it('refuses another epoch, a tombstoned admission, and a stopped sale', async () => {
  const { sale, items } = await saleWithItems({ quotas: [10] });
  const item = items[0]!;
  const target = decider();
  expect(await target.submit(command(item, 'b_1', { epoch: 3n, admissionNumber: 1 }))).toEqual({
    outcome: 'STALE_EPOCH',
  });
  await database.query(`update round_items set admission = 'GATE', epoch = 3 where item_id = $1`, [item.itemId]);
  expect(await target.submit(command(item, 'b_1'))).toEqual({ outcome: 'STALE_EPOCH' });
  const dead = command(item, 'b_1', { epoch: 3n, admissionNumber: 1 });
  await database.query(`insert into claim_tombstones (claim_id, epoch, admission_number) values ($1, 3, 1)`, [
    dead.claimId,
  ]);
  expect(await target.submit(dead)).toEqual({ outcome: 'TOMBSTONED' });
  expect((await target.submit({ ...dead, admissionNumber: 2 })).outcome).toBe('ACCEPTED');
  await database.query(`update round_items set selling = false where round_id = $1`, [sale.roundId]);
  expect(await target.submit(command(item, 'b_2', { epoch: 3n, admissionNumber: 3 }))).toEqual({
    outcome: 'NOT_SELLING',
  });
});

it('judges the window itself when no gate has', async () => {
  const early = await saleWithItems({ opensInSeconds: 60, status: 'WARMED' });
  const late = await saleWithItems({ opensInSeconds: -60, openForSeconds: 30 });
  const target = decider();
  expect(await target.submit(command(early.items[0]!, 'b_early'))).toEqual({ outcome: 'NOT_OPEN' });
  expect(await target.submit(command(late.items[0]!, 'b_late'))).toEqual({ outcome: 'CLOSED' });
});

it('tells whether a repeated claim is the same request', async () => {
  const { items } = await saleWithItems({ quotas: [5] });
  const target = decider();
  const first = command(items[0]!, 'b_again');
  expect((await target.submit(first)).outcome).toBe('ACCEPTED');
  const again = await target.submit({ ...first, orderId: newUuid(), fingerprint: 'other' });
  expect(again).toEqual({
    outcome: 'REPLAYED',
    orderId: first.orderId,
    itemId: items[0]!.itemId,
    fingerprint: 'same',
    live: true,
  });
});

it('gives buyers their whole time to pay although the machine clock is wrong', async () => {
  const { items } = await saleWithItems({ quotas: [5] });
  const wrong = new ClaimDecider(database, new ServerClock(database, { nowMs: () => 0 }), {
    batchMax: 10,
    queueMax: 10,
    onCommitted: () => undefined,
  });
  const claim = command(items[0]!, 'b_clock');
  await wrong.submit(claim);
  const [row] = await database.query<{ left: number }>(
    `select extract(epoch from expires_at - clock_timestamp())::float8 as left from orders where order_id = $1`,
    [claim.orderId],
  );
  expect(row!.left).toBeGreaterThan(55);
  expect(row!.left).toBeLessThan(61);
});

it('calls the database unavailable, and writes nothing, while statements take seconds to arrive', async () => {
  const { items } = await saleWithItems({ quotas: [5] });
  const proxy = await TcpProxy.start({ targetPort: Number(new URL(fresh.url).port) });
  const far = openDatabase({ url: proxy.through(fresh.url), applicationName: 'decider-far' });
  try {
    const target = decider(far);
    expect((await target.submit(command(items[0]!, 'b_near'))).outcome).toBe('ACCEPTED');
    proxy.delay(2_100);
    const claim = command(items[0]!, 'b_far');
    expect(await target.submit(claim).catch(classifyDatabaseError)).toBe('unavailable');
    expect(await counters(items[0]!.itemId)).toEqual({ held: 1, orders: 1, placed: 1 });
    proxy.delay(0);
    expect((await settle(target, claim)).outcome).toBe('ACCEPTED');
  } finally {
    await far.close();
    await proxy.close();
  }
});

it('says that it is full, and still decides claims that the gate has admitted', async () => {
  const { items } = await saleWithItems({ quotas: [10] });
  const target = new ClaimDecider(database, new ServerClock(database, systemClock), {
    batchMax: 10,
    queueMax: 1,
    onCommitted: () => undefined,
  });
  expect(target.isFull).toBe(false);
  const decisions = Promise.all(Array.from({ length: 10 }, () => settle(target, command(items[0]!, `b_${newUuid()}`))));
  expect(target.isFull).toBe(true);
  expect(outcomes(await decisions)).toEqual({ ACCEPTED: 10 });
  expect(target.isFull).toBe(false);
});

it('spends at most one statement on a batch', async () => {
  const { items } = await saleWithItems({ quotas: [1_000] });
  const target = decider();
  await settle(target, command(items[0]!, 'b_first'));
  const before = database.statements.count;
  await Promise.all(Array.from({ length: 512 }, () => settle(target, command(items[0]!, `b_${newUuid()}`))));
  expect((database.statements.count - before) / 512).toBeLessThanOrEqual(0.02);
});

/**
 * Postgres' counters of reads of orders during this work. The work has a connection of its own, which publishes them
 * when it ends.
 */
async function countedOf(
  work: (target: ClaimDecider) => Promise<void>,
): Promise<{ tableScans: number; scans: Record<string, number>; entriesRead: Record<string, number> }> {
  interface Row {
    readonly name: string;
    readonly scans: number;
    readonly entries: number;
  }
  const read = (): Promise<Row[]> =>
    database.query<Row>(
      `select indexrelname as name, idx_scan::int as scans, idx_tup_read::int as entries
       from pg_stat_user_indexes where relname = 'orders'
       union all select 'orders', seq_scan::int, 0 from pg_stat_user_tables where relname = 'orders'`,
    );
  const before = await read();
  const own = openDatabase({ url: fresh.url, applicationName: 'decider-counted' });
  await work(
    new ClaimDecider(own, new ServerClock(own, systemClock), {
      batchMax: 256,
      queueMax: 1_000,
      onCommitted: () => undefined,
    }),
  );
  await own.close();
  let after: Row[] = [];
  const grown = (name: string, what: 'scans' | 'entries'): number =>
    after.find((row) => row.name === name)![what] - before.find((row) => row.name === name)![what];
  await eventually(async () => {
    after = await read();
    expect(grown('orders_claim', 'scans')).toBeGreaterThan(0);
  });
  const names = before.map(({ name }) => name).filter((name) => name !== 'orders');
  return {
    tableScans: grown('orders', 'scans'),
    scans: Object.fromEntries(names.map((name) => [name, grown(name, 'scans')])),
    entriesRead: Object.fromEntries(names.map((name) => [name, grown(name, 'entries')])),
  };
}

/** Closed orders of this buyer, written without claims. */
async function closedOrders(item: SaleItem, buyerId: string, count: number): Promise<void> {
  await database.query(
    `insert into orders (order_id, claim_id, fingerprint, buyer_id, merchant_id, shop_id, series_id, round_id, item_id,
       quantity, total_minor, currency, region_code, status, placed_at, expires_at)
     select gen_random_uuid(), gen_random_uuid(), 'old', $2, merchant_id, shop_id, series_id, round_id, item_id,
       1, price_minor, currency, 'CN-11', 'CLOSED', now(), now()
     from round_items, generate_series(1, $3) where item_id = $1`,
    [item.itemId, buyerId, count],
  );
}

it('reads nothing of what a buyer ordered elsewhere', async () => {
  const { items } = await saleWithItems({ quotas: [1_000] });
  const { scans } = await countedOf(async (target) => {
    for (let n = 0; n < 20; n += 1) await target.submit(command(items[0]!, `b_${newUuid()}`));
  });
  expect(scans).toMatchObject({ orders_item_buyer_status: 20, orders_buyer: 0 });
});

it('reads no closed order of a buyer, however many there are', async () => {
  const { items } = await saleWithItems({ quotas: [1_000] });
  await closedOrders(items[0]!, 'b_fickle', 2_000);
  const { entriesRead } = await countedOf(async (target) => {
    expect((await target.submit(command(items[0]!, 'b_fickle'))).outcome).toBe('ACCEPTED');
  });
  expect(entriesRead['orders_item_buyer_status']).toBeLessThanOrEqual(1);
});

it('looks claims up one by one although the statistics describe a small table', async () => {
  const { items } = await saleWithItems({ quotas: [1_000] });
  await database.query('truncate orders cascade');
  await closedOrders(items[0]!, 'b_first', 30);
  await database.query('analyze orders');
  const { tableScans, scans } = await countedOf(async (target) => {
    await Promise.all(Array.from({ length: 100 }, () => target.submit(command(items[0]!, `b_${newUuid()}`))));
  });
  expect(tableScans).toBe(0);
  expect(scans['orders_claim']).toBeGreaterThanOrEqual(100);
});
