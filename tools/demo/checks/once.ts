// P4: once. No key has two orders, no order is paid twice or paid and refunded, a callback that came twice had one effect,
// nobody won more often than the series allows, and every change of an order is one fact in the outbox.
import { type Books, Inspection, readOrders, uuidOf, type Verdict } from './facts';

export async function checkOnce(books: Books, winLimit: number): Promise<Verdict> {
  const inspection = new Inspection();
  await checkKeysAndWins(inspection, books, winLimit);
  await checkMoney(inspection, books);
  await checkCallbacks(inspection, books);
  await checkFacts(inspection, books);
  return inspection.verdict;
}

async function checkKeysAndWins(inspection: Inspection, books: Books, winLimit: number): Promise<void> {
  const claims = new Map<string, number>();
  const wins = new Map<string, number>();
  for (const order of await readOrders(books)) {
    claims.set(order.claim_id, (claims.get(order.claim_id) ?? 0) + 1);
    const live = order.status === 'PAID' || order.status === 'AWAITING_PAYMENT';
    wins.set(order.buyer_id, (wins.get(order.buyer_id) ?? 0) + (live ? 1 : 0));
  }
  for (const [claimId, orders] of claims)
    inspection.expect(orders === 1, () => `claim ${claimId} has ${orders} orders`);
  const { rows } = await books.orders.query<{ buyer_id: string; wins: number }>(
    'select buyer_id, wins from series_wins where series_id = $1',
    [books.seriesId],
  );
  const counted = new Map(rows.map((row) => [row.buyer_id, row.wins]));
  for (const [buyerId, live] of wins) {
    inspection.expect(live <= winLimit, () => `${buyerId} has won ${live} times, the limit is ${winLimit}`);
    inspection.expect(
      (counted.get(buyerId) ?? 0) === live,
      () => `${buyerId} has ${live} wins, the counter says ${counted.get(buyerId) ?? 0}`,
    );
  }
}

interface Money {
  readonly intent_id: string;
  readonly order_id: string;
  readonly status: string;
  readonly total: string;
  readonly late: string | null;
  readonly refunds: number;
}

interface Taken {
  readonly intent_id: string;
  readonly order_id: string;
  readonly paid: string;
  readonly refunded: string;
}

/** Compares our books with the provider's: what was taken from each buyer, and what was given back. */
async function checkMoney(inspection: Inspection, books: Books): Promise<void> {
  const { rows: ours } = await books.orders.query<Money>(
    `select p.intent_id, o.order_id, o.status, o.total_minor::text as total, l.decision as late,
            (select count(*)::int from refunds r where r.order_id = o.order_id) as refunds
     from orders o join payment_intents p using (order_id) left join late_payments l using (order_id)
     where o.round_id = $1`,
    [books.roundId],
  );
  const { rows: theirs } = await books.payments.query<Taken>(
    'select intent_id, order_id, coalesce(paid_minor, 0)::text as paid, refunded_minor::text as refunded from intents',
  );
  const taken = new Map(theirs.map((row) => [row.intent_id, row]));
  for (const order of ours) {
    const provider = taken.get(order.intent_id);
    const paid = order.status === 'PAID' || order.status === 'REFUNDED' ? order.total : '0';
    const refunded = order.status === 'REFUNDED' ? order.total : '0';
    const said = `${provider?.paid ?? 0} taken, ${provider?.refunded ?? 0} given back`;
    inspection.expect(
      provider !== undefined && provider.paid === paid && provider.refunded === refunded,
      () => `order ${order.order_id} is ${order.status} over ${order.total}; the provider says ${said}`,
    );
    inspection.expect(
      order.refunds === (order.status === 'REFUNDED' ? 1 : 0),
      () => `order ${order.order_id} is ${order.status} with ${order.refunds} refunds`,
    );
    inspection.expect(
      order.late === null || order.late === (order.status === 'PAID' ? 'HONOURED' : 'REFUNDED'),
      () => `order ${order.order_id} is ${order.status}, its late payment was ${order.late}`,
    );
  }
  checkOnePaymentPerOrder(inspection, theirs);
}

function checkOnePaymentPerOrder(inspection: Inspection, taken: readonly Taken[]): void {
  const payments = new Map<string, number>();
  for (const row of taken) payments.set(row.order_id, (payments.get(row.order_id) ?? 0) + (row.paid === '0' ? 0 : 1));
  for (const [orderId, times] of payments) inspection.expect(times <= 1, () => `${orderId} was paid ${times} times`);
}

/** Callbacks that the provider delivered more than once: one note, one effect. */
async function checkCallbacks(inspection: Inspection, books: Books): Promise<void> {
  const { rows: delivered } = await books.payments.query<{ event_id: string; times: number }>(
    `select event_id, count(*)::int as times from deliveries where status = 'DELIVERED' group by event_id`,
  );
  const { rows: noted } = await books.orders.query<{ event_id: string; times: number }>(
    'select event_id, count(*)::int as times from payment_callbacks group by event_id',
  );
  const notes = new Map(noted.map((row) => [row.event_id, row.times]));
  for (const { event_id: eventId, times } of delivered) {
    inspection.expect(
      notes.get(eventId) === 1,
      () => `callback ${eventId} was delivered ${times} times and noted ${notes.get(eventId) ?? 0} times`,
    );
  }
}

/** One `placed` per order, at most one payment, and the sequence of an order's facts has neither gap nor repetition. */
async function checkFacts(inspection: Inspection, books: Books): Promise<void> {
  const { rows } = await books.orders.query<{ key: string; types: string[]; sequences: number[] }>(
    `select key, array_agg(type order by id) as types, array_agg((payload::json->>'sequence')::int order by id) as sequences
     from outbox where type like 'orders.order.%' group by key`,
  );
  const facts = new Map(rows.map((row) => [uuidOf('order', row.key), row]));
  for (const order of await readOrders(books)) {
    const told = facts.get(order.order_id);
    const times = (...types: readonly string[]): number =>
      told?.types.filter((type) => types.includes(type)).length ?? 0;
    inspection.expect(
      times('orders.order.placed.v1') === 1,
      () => `order ${order.order_id}: ${times('orders.order.placed.v1')} events of its placement`,
    );
    const payments = times('orders.order.paid.v1', 'orders.order.late-payment-honoured.v1');
    inspection.expect(
      payments === (order.status === 'PAID' ? 1 : 0),
      () => `order ${order.order_id} is ${order.status} with ${payments} events of payment`,
    );
    const expected = Array.from({ length: order.sequence }, (_none, index) => index + 1);
    inspection.expect(
      told?.sequences.join() === expected.join(),
      () => `order ${order.order_id}: sequence ${told?.sequences.join() ?? 'none'}, version ${order.sequence}`,
    );
  }
}
