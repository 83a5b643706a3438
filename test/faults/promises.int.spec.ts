// Goal: the checker of the promises detects violations. Method: each promise is broken by SQL.
import { idFromUuid, newUuid, uuidFromParts } from '@gravity/kernel';
import {
  checkPromises,
  ClaimHistory,
  type ClaimOutcome,
  type ClaimWish,
  type FaultSale,
  freshDatabase,
  type FreshDatabase,
  openSale,
} from '@gravity/testing';
import { Client } from 'pg';
import { migrate } from '@gravity/persistence';
import { ordersMigrations } from '../../apps/orders/src/storage/migrations';

describe('the checker of the promises', () => {
  let database: FreshDatabase;
  let client: Client;
  let sale: FaultSale;

  beforeAll(async () => {
    database = await freshDatabase('promises');
    await migrate({ url: database.url, service: 'orders', migrations: ordersMigrations });
    client = new Client({ connectionString: database.url });
    client.on('error', () => undefined);
    await client.connect();
  });
  beforeEach(async () => {
    sale = await openSale(client, { quotas: [2] });
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  const wishOf = (buyerId: string): ClaimWish => ({
    buyerId,
    key: sale.roundId,
    roundId: sale.roundId,
    itemId: sale.itemIds[0]!,
    quantity: 1,
  });

  const answered = (wish: ClaimWish, outcome: ClaimOutcome, history = new ClaimHistory()): ClaimHistory => {
    history.answered(wish, { target: 'here', sentAtMs: 0, answeredAtMs: 1, outcome });
    return history;
  };

  const accepted = (orderUuid: string): ClaimOutcome => ({
    kind: 'ok',
    orderId: idFromUuid('order', orderUuid),
    totalMinor: 149_900,
    replayed: false,
    body: orderUuid,
  });

  /** An order as the decision writes it, with its event and its unit. */
  const place = async (wish: ClaimWish): Promise<string> => {
    const orderId = newUuid();
    await client.query(
      `insert into orders (order_id, claim_id, fingerprint, buyer_id, merchant_id, shop_id, series_id, round_id, item_id, quantity,
         total_minor, currency, region_code, status, placed_at, expires_at)
       select $1, $2, 'f', $3, merchant_id, shop_id, series_id, round_id, item_id, 1, 149900, 'CNY', 'CN-11', 'AWAITING_PAYMENT', now(), now()
       from round_items where item_id = $4`,
      [orderId, uuidFromParts('claim', wish.buyerId, wish.key), wish.buyerId, sale.itemUuids[0]],
    );
    await client.query(`update round_items set held = held + 1 where item_id = $1`, [sale.itemUuids[0]]);
    await client.query(
      `insert into outbox (event_id, topic, key, type, payload, occurred_at) values ($1, 'orders.order', $2, 'orders.order.placed.v1', '{}', now())`,
      [newUuid(), idFromUuid('order', orderId)],
    );
    return orderId;
  };

  const broken = async (history: ClaimHistory): Promise<string[]> => {
    const report = await checkPromises(client, history, { roundIds: [sale.roundId] });
    return report.violations.map(({ promise }) => promise);
  };

  it('finds nothing wrong with a sale that went well', async () => {
    const orderId = await place(wishOf('b_1'));
    const history = answered(wishOf('b_2'), { kind: 'refused', status: 409, code: 'sold-out' });
    answered(wishOf('b_1'), accepted(orderId), history);
    expect(await broken(history)).toEqual([]);
  });

  it('P1: a counter that is not the sum of its orders', async () => {
    await client.query(`update round_items set held = 1 where item_id = $1`, [sale.itemUuids[0]]);
    expect(await broken(new ClaimHistory())).toEqual(['P1']);
  });

  it('P2: an acknowledged order that does not exist, or is another one', async () => {
    expect(await broken(answered(wishOf('b_1'), accepted(newUuid())))).toEqual(['P2']);
    const history = answered(wishOf('b_2'), accepted(await place(wishOf('b_2'))));
    answered(wishOf('b_2'), accepted(newUuid()), history);
    expect(await broken(history)).toEqual(['P2']);
  });

  it('P4: an order after a refusal, an order without a request, and an order with two events', async () => {
    const refused = answered(wishOf('b_1'), { kind: 'refused', status: 409, code: 'sold-out' });
    const orderId = await place(wishOf('b_1'));
    expect(await broken(refused)).toEqual(['P4']);
    expect(await broken(new ClaimHistory())).toEqual(['P4']);
    await client.query(
      `insert into outbox (event_id, topic, key, type, payload, occurred_at) select $1, topic, key, type, payload, now() from outbox where key = $2`,
      [newUuid(), idFromUuid('order', orderId)],
    );
    expect(await broken(answered(wishOf('b_1'), accepted(orderId)))).toEqual(['P4']);
  });
});
