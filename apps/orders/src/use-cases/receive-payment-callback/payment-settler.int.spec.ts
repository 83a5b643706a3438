// Goal: a payment has one effect, from any source, in any order, on any number of connections, and with a crash at any
// point. Method: two settlers with pools of their own on one real Postgres and one real Redis.
import { validateEvent } from '@gravity/contracts';
import { idFromUuid, money } from '@gravity/kernel';
import { eventually } from '@gravity/testing';
import { type Item, PRICE_MINOR, Sale, freshSale } from '../../../test/order-fixtures';
import type { GateControl } from '../../gate/gate-control';
import { PendingSweeper } from '../../gate/pending-sweeper';
import { lateClaimId } from '../../order-changes';
import { ExpiryWorker } from '../../workers/expiry';
import { RefundsWorker } from '../../workers/refunds';
import { PaymentsInquiry } from '../../payments-inquiry';
import type { PaymentProvider } from '../../payments/payment-provider';
import { decideLate } from './late-payment';
import type { PaymentFact } from './payment-settler';

let database: Awaited<ReturnType<typeof freshSale>>;
let here: Sale;
let there: Sale;
let events = 0;

beforeAll(async () => {
  database = await freshSale('payment settler');
  [here, there] = await Promise.all([new Sale(database.url).start(), new Sale(database.url).start()]);
});

afterAll(async () => {
  await Promise.all([here?.close(), there?.close()]);
  await database?.drop();
});

function paid(orderId: string, chargeId: string, more: { minor?: number; eventId?: string } = {}): PaymentFact {
  events += 1;
  return {
    kind: 'succeeded',
    orderId,
    charge: { intentId: `pi_${orderId}`, chargeId, amount: money(more.minor ?? PRICE_MINOR, 'CNY') },
    event: { provider: 'sandbox', eventId: more.eventId ?? `evt_${events}`, type: 'payment.succeeded' },
  };
}

/** An expiry that never asks: none of these orders has an intent, so no provider is involved. */
function expiry(sale: Sale): ExpiryWorker {
  return new ExpiryWorker(
    sale.database,
    sale.settler,
    new PaymentsInquiry({} as PaymentProvider),
    sale.gate,
    sale.relay,
  );
}

async function check(item: Item): Promise<void> {
  const counters = await here.counters(item);
  const orders = await here.unitsByOrders(item);
  expect({ held: counters.held, sold: counters.sold }).toEqual(orders);
}

describe('in time', () => {
  it('pays an order: held becomes sold, one event, the charge remembered', async () => {
    const item = await here.openRound();
    const [order] = await here.place(item, 1);
    expect(await here.settler.settle(paid(order!, 'c1'))).toBe('paid');
    expect(await here.counters(item)).toMatchObject({ held: 0, sold: 1, released: 0, resold: 0 });
    expect(await here.eventsOf(order!)).toEqual(['paid']);
    expect(await here.settler.settle(paid(order!, 'c1'))).toBe('nothing');
    await check(item);
  });

  it('settles a batch with one transaction, repeated and mixed facts included', async () => {
    const item = await here.openRound({ quota: 100 });
    const orders = await here.place(item, 50);
    const facts = orders.map((order) => paid(order, 'c1'));
    const batch = [...facts, facts[0]!, paid(orders[1]!, 'c2'), { ...paid(orders[2]!, 'c1'), kind: 'failed' as const }];
    const before = here.database.statements.count;
    const outcomes = await here.settler.settleBatch(batch);
    expect(here.database.statements.count - before).toBeLessThanOrEqual(25);
    expect(outcomes.slice(0, 50)).toEqual(orders.map(() => 'paid'));
    expect(outcomes.slice(50)).toEqual(['duplicate', 'refund-requested', 'nothing']);
    expect(await here.counters(item)).toMatchObject({ held: 0, sold: 50 });
    expect(await here.eventsOf(orders[1]!)).toEqual(['paid', 'refund-requested']);
    await check(item);
  });

  it('applies a callback that arrives twice at once on two connections one time', async () => {
    const item = await here.openRound({ quota: 100 });
    for (const order of await here.place(item, 25)) {
      const fact = paid(order, 'c1');
      // The same event twice, and another event about the same charge.
      const outcomes = await Promise.all([
        here.settler.settle(fact),
        there.settler.settle(fact),
        there.settler.settle(paid(order, 'c1')),
      ]);
      expect(outcomes.filter((outcome) => outcome === 'paid')).toHaveLength(1);
      expect(await here.eventsOf(order)).toEqual(['paid']);
    }
    expect(await here.counters(item)).toMatchObject({ held: 0, sold: 25 });
    expect(
      await here.database.query('select 1 from refunds r join orders o using (order_id) where o.item_id = $1', [
        item.itemId,
      ]),
    ).toEqual([]);
  });

  it('closes, releases and refunds when another amount was taken', async () => {
    const item = await here.openRound({ winLimit: 1 });
    const [order] = await here.place(item, 1, { buyerId: 'b_wrong' });
    expect(await here.settler.settle(paid(order!, 'c1', { minor: PRICE_MINOR - 1 }))).toBe('discrepancy');
    expect(await here.statusOf(order!)).toBe('REFUNDING');
    expect(await here.winsOf(item, 'b_wrong')).toBe(0);
    expect(await here.counters(item)).toMatchObject({ held: 0, sold: 0, released: 1 });
    expect(await here.eventsOf(order!)).toEqual(['closed', 'refund-requested']);
    const charge = paid(order!, 'c1', { minor: PRICE_MINOR - 1 }).charge;
    expect(await here.settler.settle({ kind: 'refunded', orderId: order!, charge, providerRefundId: 'rf_1' })).toBe(
      'refunded',
    );
    expect(await here.settler.settle({ kind: 'refunded', orderId: order!, charge, providerRefundId: 'rf_1' })).toBe(
      'nothing',
    );
    expect(await here.statusOf(order!)).toBe('REFUNDED');
    expect(await here.eventsOf(order!)).toEqual(['closed', 'refund-requested', 'refunded']);
  });

  it('notes callbacks about orders it does not know, once', async () => {
    const fact = { ...paid(crypto.randomUUID(), 'c1', { eventId: 'evt_stray' }) };
    expect(await here.settler.settle(fact)).toBe('unmatched');
    expect(await here.settler.settle(fact)).toBe('duplicate');
    expect(
      await here.settler.settle({ ...fact, orderId: undefined, event: { ...fact.event!, eventId: 'evt_other' } }),
    ).toBe('unmatched');
  });
});

describe('late', () => {
  it('honours with a fresh unit, and the gate follows', async () => {
    const item = await here.openRound({ quota: 1, winLimit: 1 });
    const [order] = await here.place(item, 1, { buyerId: 'b_late', expiresIn: -1 });
    await here.loadGate(item);
    await expiry(here).sweep();
    expect(await here.statusOf(order!)).toBe('CLOSED');
    await eventually(async () => expect((await view(item)).available).toBe(1));
    expect(await here.settler.settle(paid(order!, 'c1'))).toBe('late-honoured');
    expect(await here.eventsOf(order!)).toEqual(['closed', 'late-payment-honoured']);
    expect(await here.counters(item)).toMatchObject({ held: 0, sold: 1, released: 1, resold: 1, free: 0 });
    expect(await here.winsOf(item, 'b_late')).toBe(1);
    await eventually(async () => expect(await view(item)).toMatchObject({ available: 0, claimed: 1, pending: [] }));
    await check(item);
  });

  it('refunds when the unit is gone', async () => {
    const item = await here.openRound({ quota: 1 });
    const [late] = await here.place(item, 1, { expiresIn: -1 });
    await expiry(here).sweep();
    const [winner] = await here.place(item, 1);
    await here.loadGate(item);
    expect(await here.settler.settle(paid(late!, 'c1'))).toBe('late-refunded');
    expect(await here.settler.settle(paid(winner!, 'c1'))).toBe('paid');
    expect(await here.counters(item)).toMatchObject({ held: 0, sold: 1, released: 1, resold: 1 });
    expect(await here.eventsOf(late!)).toEqual(['closed', 'refund-requested']);
  });

  it('answers once, however many deliveries come at the same time', async () => {
    const item = await here.openRound({ quota: 50 });
    const orders = await here.place(item, 20, { expiresIn: -1 });
    await expiry(here).sweep();
    await here.loadGate(item);
    for (const order of orders) {
      const fact = paid(order, 'c1');
      const told = [here, there, there].map((sale) => sale.settler.settle(fact));
      const outcomes = await Promise.all([...told, here.settler.settle(paid(order, 'c1'))]);
      expect(outcomes.filter((outcome) => outcome === 'late-honoured')).toHaveLength(1);
      expect(await here.eventsOf(order)).toEqual(['closed', 'late-payment-honoured']);
    }
    expect(await here.counters(item)).toMatchObject({ held: 0, sold: 20, released: 20 });
    await eventually(async () => expect(await view(item)).toMatchObject({ available: 30, claimed: 20, pending: [] }));
  });

  it('uses the unit that a dead process had taken for the same payment', async () => {
    const item = await here.openRound({ quota: 1 });
    const [order] = await here.place(item, 1, { buyerId: 'b_crash', expiresIn: -1 });
    await expiry(here).sweep();
    await here.loadGate(item);
    const claim = {
      seriesId: item.seriesId,
      itemId: item.itemId,
      claimId: lateClaimId(order!),
      buyerId: 'b_crash',
      quantity: 1,
    };
    expect(await there.gate.take(claim)).toMatchObject({ admitted: true });
    expect(await here.settler.settle(paid(order!, 'c1'))).toBe('late-honoured');
    await eventually(async () => expect(await view(item)).toMatchObject({ available: 0, claimed: 1, pending: [] }));
  });

  it('keeps the unit when the process dies between the decision and the report to the gate', async () => {
    const item = await here.openRound({ quota: 1 });
    const [order] = await here.place(item, 1, { expiresIn: -1 });
    await expiry(here).sweep();
    await here.loadGate(item);
    const { charge } = paid(order!, 'c1');
    const dying = { take: there.gate.take.bind(there.gate), settle: () => undefined } as unknown as GateControl;
    const round = { database: there.database, gate: dying, orderId: order!, charge, mayTakeAgain: false };
    const unused = (): never => {
      throw new Error('the order is closed and no other process settles it');
    };
    expect(await decideLate({ ...round, otherwise: unused, note: async () => undefined })).toBe('late-honoured');
    expect(await view(item)).toMatchObject({ pending: [{ claimId: lateClaimId(order!) }] });
    const sweeper = new PendingSweeper(here.database, here.redis, 0);
    sweeper.start();
    await eventually(async () => expect(await view(item)).toMatchObject({ available: 0, claimed: 1, pending: [] }));
    await sweeper.stop();
    expect(await here.settler.settle(paid(order!, 'c1'))).toBe('nothing');
  });

  it('takes again when the gate was rebuilt between the admission and the decision', async () => {
    const item = await here.openRound({ quota: 2 });
    const [order] = await here.place(item, 1, { expiresIn: -1 });
    await expiry(here).sweep();
    await here.loadGate(item);
    const take = here.gate.take.bind(here.gate);
    let takes = 0;
    const spy = jest.spyOn(here.gate, 'take').mockImplementation(async (claim) => {
      const admission = await take(claim);
      takes += 1;
      if (takes === 1) await there.loadGate(item);
      return admission;
    });
    try {
      expect(await here.settler.settle(paid(order!, 'c1'))).toBe('late-honoured');
    } finally {
      spy.mockRestore();
    }
    expect(takes).toBe(2);
    await eventually(async () => expect(await view(item)).toMatchObject({ available: 1, claimed: 1, pending: [] }));
  });

  it('is decided by Postgres alone while there is no gate', async () => {
    const item = await here.openRound({ quota: 1 });
    const [order] = await here.place(item, 1, { expiresIn: -1 });
    await expiry(here).sweep();
    await here.database.query(`update series set admission = 'DIRECT', epoch = epoch + 1 where series_id = $1`, [
      item.seriesId,
    ]);
    await here.database.query(`update round_items set admission = 'DIRECT', epoch = epoch + 1 where item_id = $1`, [
      item.itemId,
    ]);
    expect(await here.settler.settle(paid(order!, 'c1'))).toBe('late-honoured');
    await check(item);
  });
});

describe('races', () => {
  it('gives an order that is paid while it expires exactly one outcome, 50 times', async () => {
    const item = await here.openRound({ quota: 100 });
    await here.loadGate(item);
    for (let round = 0; round < 50; round += 1) {
      const [order] = await here.place(item, 1, { expiresIn: -1 });
      const fact = paid(order!, 'c1');
      await Promise.all([expiry(there).sweep(), here.settler.settle(fact)]);
      const status = await here.statusOf(order!);
      const trail = await here.eventsOf(order!);
      if (status === 'PAID') expect([['paid'], ['closed', 'late-payment-honoured']]).toContainEqual(trail);
      else expect([status, trail]).toEqual(['REFUNDING', ['closed', 'refund-requested']]);
      await check(item);
    }
  });

  it('releases each order once with two sweepers, ten thousand of them in one go', async () => {
    const item = await here.openRound({ quota: 20_000, winLimit: 3 });
    for (let part = 0; part < 10; part += 1) await here.place(item, 1_000, { expiresIn: -1 });
    const started = performance.now();
    const sweepAll = async (sale: Sale): Promise<void> => {
      const worker = expiry(sale);
      while ((await worker.sweep()) > 0);
    };
    await Promise.all([sweepAll(here), sweepAll(there)]);
    // A few seconds on two idle cores; the bound leaves room for a machine that is busy with other specs.
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(await here.counters(item)).toMatchObject({ held: 0, sold: 0, released: 10_000, free: 20_000 });
    const [events] = await here.database.query<{ closed: number; keys: number }>(
      `select count(*)::int as closed, count(distinct key)::int as keys from outbox where type = 'orders.order.closed.v1'
         and payload like '%' || $1 || '%'`,
      [idFromUuid('item', item.itemId)],
    );
    expect(events).toEqual({ closed: 10_000, keys: 10_000 });
    const wins = await here.database.query<{ wins: number }>(
      'select sum(wins)::int as wins from series_wins where series_id = $1',
      [item.seriesId],
    );
    expect(wins[0]!.wins).toBe(0);
  });

  it('counts units as resold that were sold a second time, and no others', async () => {
    const item = await here.openRound({ quota: 3 });
    const first = await here.place(item, 2, { expiresIn: -1 });
    await expiry(here).sweep();
    // One unit of first hand is left: it goes first, the next two are second-hand.
    const [fresh] = await here.place(item, 1);
    const second = await here.place(item, 2);
    for (const order of [fresh!, ...second]) expect(await here.settler.settle(paid(order, 'c1'))).toBe('paid');
    expect(first).toHaveLength(2);
    expect(await here.counters(item)).toMatchObject({ sold: 3, released: 2, resold: 2, free: 0 });
  });
});

async function view(item: Item) {
  const found = (await here.gate.view(item.seriesId, [item.itemId]))?.get(item.itemId);
  if (found === undefined) throw new Error('the gate does not answer');
  return found;
}

describe('an order that costs nothing', () => {
  const freeRound = (): Promise<Item> => here.openRound({ priceMinor: 0, winLimit: 2 });

  it('is paid once without a provider by one of two processes', async () => {
    const item = await freeRound();
    const orders = await here.place(item, 5);
    const counts = await Promise.all([here.settler.settleFree(), there.settler.settleFree()]);
    expect(counts[0] + counts[1]).toBe(5);
    expect(await here.settler.settleFree()).toBe(0);
    for (const order of orders) {
      expect(await here.statusOf(order)).toBe('PAID');
      expect(await here.eventsOf(order)).toEqual(['paid']);
    }
    expect(await here.counters(item)).toMatchObject({ held: 0, sold: 5, released: 0 });
  });

  it('publishes a payment of nothing that its schema allows', async () => {
    const [order] = await here.place(await freeRound(), 1);
    await here.settler.settleFree();
    const [row] = await here.database.query<{ type: 'orders.order.paid.v1'; payload: string }>(
      'select type, payload from outbox where key = $1',
      [idFromUuid('order', order!)],
    );
    const payload: unknown = JSON.parse(row!.payload);
    expect(validateEvent(row!.type, payload, 'writer')).toBeUndefined();
    expect(payload).toMatchObject({ total: { amount: 0, currency: 'CNY' } });
  });

  it('leaves orders that cost something, and those that are over, alone', async () => {
    const item = await freeRound();
    const [costly] = await here.place(await here.openRound(), 1);
    const [cancelled] = await here.place(item, 1);
    await here.database.query(`update orders set status = 'CLOSED', closed_at = now() where order_id = $1`, [
      cancelled,
    ]);
    expect(await here.settler.settleFree()).toBe(0);
    expect(await here.statusOf(costly!)).toBe('AWAITING_PAYMENT');
    expect(await here.statusOf(cancelled!)).toBe('CLOSED');
  });

  it('is paid, not closed, when the expiry finds it first', async () => {
    const item = await freeRound();
    const [order] = await here.place(item, 1, { expiresIn: -1 });
    await expiry(here).sweep();
    expect(await here.statusOf(order!)).toBe('PAID');
    expect(await here.eventsOf(order!)).toEqual(['paid']);
    expect(await here.counters(item)).toMatchObject({ held: 0, sold: 1, released: 0 });
  });

  it('gives a charge of nothing back without a provider', async () => {
    const item = await here.openRound();
    const [order] = await here.place(item, 1);
    expect(await here.settler.settle(paid(order!, 'nothing-taken', { minor: 0 }))).toBe('discrepancy');
    // A provider that is asked would throw: there is none.
    await new RefundsWorker(here.database, {} as PaymentProvider, here.settler).sweep();
    expect(await here.statusOf(order!)).toBe('REFUNDED');
    expect(await here.eventsOf(order!)).toEqual(['closed', 'refund-requested', 'refunded']);
  });
});
