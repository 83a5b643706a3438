// P4: every effect happens once. No key has two orders, no order is paid twice or paid and refunded, a repeated callback has
// one effect, no buyer exceeds the win limit of the series, and every change of an order is one event in the outbox.
import { type SaleDatabases, Inspection, readOrders, uuidOf, type Verdict } from './facts';

export async function checkOnce(databases: SaleDatabases, winLimit: number): Promise<Verdict> {
  const inspection = new Inspection();
  await checkKeysAndWins(inspection, databases, winLimit);
  await checkMoney(inspection, databases);
  await checkCallbacks(inspection, databases);
  await checkEvents(inspection, databases);
  return inspection.verdict;
}

async function checkKeysAndWins(inspection: Inspection, databases: SaleDatabases, winLimit: number): Promise<void> {
  const claims = new Map<string, number>();
  const wins = new Map<string, number>();
  for (const order of await readOrders(databases)) {
    claims.set(order.claim_id, (claims.get(order.claim_id) ?? 0) + 1);
    const live = order.status === 'PAID' || order.status === 'AWAITING_PAYMENT';
    wins.set(order.buyer_id, (wins.get(order.buyer_id) ?? 0) + (live ? 1 : 0));
  }
  for (const [claimId, orders] of claims)
    inspection.expect(orders === 1, () => `claim ${claimId} has ${orders} orders`);
  const { rows } = await databases.orders.query<{ buyer_id: string; wins: number }>(
    'select buyer_id, wins from series_wins where series_id = $1',
    [databases.seriesId],
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

interface Charge {
  readonly intent_id: string;
  readonly order_id: string;
  readonly paid: string;
  readonly refunded: string;
}

/** Compares the payments and refunds of each order with those of the provider. */
async function checkMoney(inspection: Inspection, databases: SaleDatabases): Promise<void> {
  const { rows: ours } = await databases.orders.query<Money>(
    `select p.intent_id, o.order_id, o.status, o.total_minor::text as total, l.decision as late,
            (select count(*)::int from refunds r where r.order_id = o.order_id) as refunds
     from orders o join payment_intents p using (order_id) left join late_payments l using (order_id)
     where o.round_id = $1`,
    [databases.roundId],
  );
  const { rows: theirs } = await databases.payments.query<Charge>(
    'select intent_id, order_id, coalesce(paid_minor, 0)::text as paid, refunded_minor::text as refunded from intents',
  );
  const charges = new Map(theirs.map((row) => [row.intent_id, row]));
  for (const order of ours) {
    const provider = charges.get(order.intent_id);
    const paid = order.status === 'PAID' || order.status === 'REFUNDED' ? order.total : '0';
    const refunded = order.status === 'REFUNDED' ? order.total : '0';
    const amounts = `${provider?.paid ?? 0} paid, ${provider?.refunded ?? 0} refunded`;
    inspection.expect(
      provider !== undefined && provider.paid === paid && provider.refunded === refunded,
      () => `order ${order.order_id} is ${order.status} over ${order.total}; the provider has ${amounts}`,
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

function checkOnePaymentPerOrder(inspection: Inspection, charges: readonly Charge[]): void {
  const payments = new Map<string, number>();
  for (const row of charges) payments.set(row.order_id, (payments.get(row.order_id) ?? 0) + (row.paid === '0' ? 0 : 1));
  for (const [orderId, times] of payments) inspection.expect(times <= 1, () => `${orderId} was paid ${times} times`);
}

/** A callback that the provider delivered several times is recorded once. */
async function checkCallbacks(inspection: Inspection, databases: SaleDatabases): Promise<void> {
  const { rows: delivered } = await databases.payments.query<{ event_id: string; times: number }>(
    `select event_id, count(*)::int as times from deliveries where status = 'DELIVERED' group by event_id`,
  );
  const { rows: recorded } = await databases.orders.query<{ event_id: string; times: number }>(
    'select event_id, count(*)::int as times from payment_callbacks group by event_id',
  );
  const records = new Map(recorded.map((row) => [row.event_id, row.times]));
  for (const { event_id: eventId, times } of delivered) {
    inspection.expect(
      records.get(eventId) === 1,
      () => `callback ${eventId} was delivered ${times} times and recorded ${records.get(eventId) ?? 0} times`,
    );
  }
}

/** Each order has one `placed` event, at most one payment event, and a sequence without gaps or repetitions. */
async function checkEvents(inspection: Inspection, databases: SaleDatabases): Promise<void> {
  const { rows } = await databases.orders.query<{ key: string; types: string[]; sequences: number[] }>(
    `select key, array_agg(type order by id) as types, array_agg((payload::json->>'sequence')::int order by id) as sequences
     from outbox where type like 'orders.order.%' group by key`,
  );
  const events = new Map(rows.map((row) => [uuidOf('order', row.key), row]));
  for (const order of await readOrders(databases)) {
    const found = events.get(order.order_id);
    const times = (...types: readonly string[]): number =>
      found?.types.filter((type) => types.includes(type)).length ?? 0;
    inspection.expect(
      times('orders.order.placed.v1') === 1,
      () => `order ${order.order_id}: ${times('orders.order.placed.v1')} placed events`,
    );
    const payments = times('orders.order.paid.v1', 'orders.order.late-payment-honoured.v1');
    inspection.expect(
      payments === (order.status === 'PAID' ? 1 : 0),
      () => `order ${order.order_id} is ${order.status} with ${payments} payment events`,
    );
    const expected = Array.from({ length: order.sequence }, (_none, index) => index + 1);
    inspection.expect(
      found?.sequences.join() === expected.join(),
      () => `order ${order.order_id}: sequence ${found?.sequences.join() ?? 'none'}, version ${order.sequence}`,
    );
  }
}
