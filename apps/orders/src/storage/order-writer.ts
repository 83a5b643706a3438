// Writes the outcomes of many orders in one transaction with one statement per table.
//
// Order of locks everywhere in this service: orders (by id) → round_items (by id) → series_wins (by series, buyer). A
// transaction that inserts rows of an order holds its lock. The claim decision starts at round_items, sweepers skip
// locked orders, so transactions never deadlock.
import { EVENTS } from '@gravity/contracts';
import { assert, newUuid } from '@gravity/kernel';
import { type OutboxEvent, appendToOutbox } from '@gravity/messaging';
import type { Tx } from '@gravity/persistence';
import type { OrderChange } from '../order-changes';
import { LOADED_COLUMNS, type LoadedOrder, type LoadedRow, PROVIDER_NAME, loadedFromRow } from './order-rows';

/** Orders that one transaction changes. */
export const CHANGES_MAX = 500;

/** Locks the orders, waiting in id order, and reads them afterwards: a read under the lock sees its last owner's work. */
export async function lockOrders(tx: Tx, orderIds: readonly string[]): Promise<Map<string, LoadedOrder>> {
  assert(orderIds.length <= CHANGES_MAX, `${orderIds.length} orders in one transaction`);
  if (orderIds.length === 0) return new Map();
  await tx.query('select 1 from orders where order_id = any($1::uuid[]) order by order_id for no key update', [
    orderIds,
  ]);
  return loadOrders(tx, orderIds);
}

/** Reads orders that this transaction has locked. */
export async function loadOrders(tx: Tx, orderIds: readonly string[]): Promise<Map<string, LoadedOrder>> {
  const rows = await tx.query<LoadedRow>(`select ${LOADED_COLUMNS} from orders o where o.order_id = any($1::uuid[])`, [
    orderIds,
  ]);
  return new Map(rows.map((row) => [row.order_id, loadedFromRow(row)]));
}

/** Writes the changes, one per order, whose orders this transaction has locked. Throws when a row is not as it was read. */
export async function writeChanges(tx: Tx, changes: readonly OrderChange[]): Promise<void> {
  if (changes.length === 0) return;
  assert(changes.length <= CHANGES_MAX, `${changes.length} changes in one transaction`);
  assert(new Set(changes.map((change) => change.order.orderId)).size === changes.length, 'one change per order');
  await updateOrders(tx, changes);
  await writeMoney(tx, changes);
  const returned = changes.filter((change) => change.givesBack).map((change) => change.order);
  if (returned.length > 0) {
    await tx.query(
      `insert into gate_returns (claim_id, series_id, item_id)
       select * from unnest($1::uuid[], $2::uuid[], $3::uuid[])`,
      [returned.map((o) => o.claimId), returned.map((o) => o.seriesId), returned.map((o) => o.itemId)],
    );
  }
  await appendToOutbox(tx, changes.flatMap(outboxEvents));
  // Last, because claims of the item wait from here to the commit.
  await moveCounters(
    tx,
    changes.filter((change) => change.move !== undefined),
  );
  await moveWins(
    tx,
    changes.filter((change) => change.wins !== 0 && change.order.winLimit !== undefined),
  );
}

function outboxEvents({ order, events }: OrderChange): OutboxEvent[] {
  return events.map(({ type, payload }) => ({
    eventId: newUuid(),
    topic: EVENTS[type].topic,
    key: payload.orderId,
    type,
    payload: JSON.stringify(payload),
    occurredAtMs: order.nowMs,
  }));
}

async function updateOrders(tx: Tx, changes: readonly OrderChange[]): Promise<void> {
  const updated = await tx.query(
    `update orders o set
       status = n.to_status, sequence = o.sequence + n.events,
       close_reason = coalesce(n.reason, o.close_reason),
       paid_at = case when n.paid then now() else o.paid_at end,
       closed_at = case when n.closed then now() else o.closed_at end,
       next_check_at = now() + make_interval(secs => n.check_ms / 1000.0),
       check_attempts = case when n.to_status = o.status then o.check_attempts else 0 end
     from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::int[], $6::text[], $7::bool[], $8::bool[], $9::int[])
       as n(order_id, from_status, from_sequence, to_status, events, reason, paid, closed, check_ms)
     where o.order_id = n.order_id and o.status = n.from_status and o.sequence = n.from_sequence
     returning o.order_id`,
    [
      changes.map((c) => c.order.orderId),
      changes.map((c) => c.order.status),
      changes.map((c) => c.order.sequence),
      changes.map((c) => c.to),
      changes.map((c) => c.events.length),
      changes.map((c) => c.closeReason ?? null),
      changes.map((c) => c.paid),
      changes.map((c) => c.closed),
      changes.map((c) => c.checkInMs ?? null),
    ],
  );
  assert(updated.length === changes.length, 'an order changed under its lock');
}

interface ItemRow {
  item_id: string;
  quota: number;
  handed_out: number;
  first_pass_until: string | null;
}

/**
 * Moves the counters of the items. A sold unit counts as resold when it had been in another order's hands before: its
 * order came after the one that took the last unheld unit (`first_pass_until`), or it is a late payment served from
 * what was given back.
 */
async function moveCounters(tx: Tx, changes: readonly OrderChange[]): Promise<void> {
  if (changes.length === 0) return;
  const itemIds = [...new Set(changes.map((change) => change.order.itemId))].sort();
  const items = await tx.query<ItemRow>(
    `select item_id, quota, held + sold + released as handed_out, first_pass_until
     from round_items where item_id = any($1::uuid[]) order by item_id for no key update`,
    [itemIds],
  );
  const sums = [];
  for (const item of items) {
    const own = changes.filter((change) => change.order.itemId === item.item_id);
    const firstPassUntil = item.first_pass_until ?? (await findFirstPass(tx, item));
    const sum = (key: 'held' | 'sold' | 'released'): number =>
      own.reduce((total, change) => total + change.move![key], 0);
    const resold = own
      .filter((change) => change.move!.sold > 0)
      .filter((change) =>
        change.late === undefined
          ? firstPassUntil !== null && change.order.orderId > firstPassUntil
          : firstPassUntil !== null || item.handed_out >= item.quota,
      )
      .reduce((total, change) => total + change.order.quantity, 0);
    sums.push({
      itemId: item.item_id,
      held: sum('held'),
      sold: sum('sold'),
      released: sum('released'),
      resold,
      firstPassUntil,
    });
  }
  const moved = await tx.query(
    `update round_items i set held = i.held + n.held, sold = i.sold + n.sold, released = i.released + n.released,
       resold = i.resold + n.resold, first_pass_until = n.first_pass_until
     from unnest($1::uuid[], $2::int[], $3::int[], $4::int[], $5::int[], $6::uuid[])
       as n(item_id, held, sold, released, resold, first_pass_until)
     where i.item_id = n.item_id returning i.item_id`,
    [
      sums.map((s) => s.itemId),
      sums.map((s) => s.held),
      sums.map((s) => s.sold),
      sums.map((s) => s.released),
      sums.map((s) => s.resold),
      sums.map((s) => s.firstPassUntil),
    ],
  );
  assert(moved.length === itemIds.length, 'an order refers to an item that does not exist');
}

/** The order that took the last unit of first hand, once there is one. Looked up once in the life of an item. */
async function findFirstPass(tx: Tx, item: ItemRow): Promise<string | null> {
  if (item.handed_out <= item.quota) return null;
  const rows = await tx.query<{ order_id: string }>(
    `select order_id from (
       select order_id, sum(quantity) over (order by order_id) as handed_out from orders where item_id = $1
     ) o where handed_out >= $2 order by order_id limit 1`,
    [item.item_id, item.quota],
  );
  return rows[0]?.order_id ?? null;
}

async function moveWins(tx: Tx, changes: readonly OrderChange[]): Promise<void> {
  if (changes.length === 0) return;
  const sums = new Map<string, { seriesId: string; buyerId: string; wins: number }>();
  for (const { order, wins } of changes) {
    const key = `${order.seriesId} ${order.buyerId}`;
    const known = sums.get(key);
    sums.set(key, { seriesId: order.seriesId, buyerId: order.buyerId, wins: (known?.wins ?? 0) + wins });
  }
  const sorted = [...sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
  const keys = [sorted.map((sum) => sum.seriesId), sorted.map((sum) => sum.buyerId)];
  await tx.query(
    `select 1 from series_wins w
     where (w.series_id, w.buyer_id) in (select * from unnest($1::uuid[], $2::text[]))
     order by w.series_id, w.buyer_id for no key update`,
    keys,
  );
  // Every order of a series with a win limit has its row: the claim made it, or the late path before it looked.
  await tx.query(
    `update series_wins w set wins = w.wins + n.wins
     from unnest($1::uuid[], $2::text[], $3::int[]) as n(series_id, buyer_id, wins)
     where w.series_id = n.series_id and w.buyer_id = n.buyer_id`,
    [...keys, sorted.map((sum) => sum.wins)],
  );
}

async function writeMoney(tx: Tx, changes: readonly OrderChange[]): Promise<void> {
  const paid = changes.filter((change) => change.intent !== undefined);
  if (paid.length > 0) {
    // An upsert: a payment may be told before the row of its intent was written, when a process died in between.
    await tx.query(
      `insert into payment_intents as i (intent_id, order_id, provider, amount_minor, currency, pay_url, status, charge_id)
       select n.intent_id, o.order_id, $5, o.total_minor, o.currency, '', n.status, n.charge_id
       from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as n(order_id, intent_id, status, charge_id)
       join orders o on o.order_id = n.order_id
       on conflict (order_id) do update set status = excluded.status, charge_id = coalesce(excluded.charge_id, i.charge_id)`,
      [
        paid.map((change) => change.order.orderId),
        paid.map((change) => change.intent!.intentId),
        paid.map((change) => change.intent!.status),
        paid.map((change) => change.intent!.chargeId ?? null),
        PROVIDER_NAME,
      ],
    );
  }
  // The rest is rare: one order at a time.
  for (const { order, refund, refundDone, late } of changes) {
    if (late !== undefined) {
      await tx.query('insert into late_payments (order_id, claim_id, decision, reason) values ($1, $2, $3, $4)', [
        order.orderId,
        late.claimId,
        late.decision,
        late.reason,
      ]);
    }
    if (refund !== undefined) {
      const { intentId, chargeId, amount } = refund.charge;
      await tx.query(
        `insert into refunds (refund_id, order_id, intent_id, charge_id, amount_minor, currency, reason, status)
         values ($1, $2, $3, $4, $5, $6, $7, 'REQUESTED')`,
        [refund.refundId, order.orderId, intentId, chargeId, amount.minor.toString(), amount.currency, refund.reason],
      );
    }
    if (refundDone !== undefined) {
      await tx.query(`update refunds set status = 'SUCCEEDED', provider_refund_id = $2 where refund_id = $1`, [
        refundDone.refundId,
        refundDone.providerRefundId,
      ]);
    }
  }
}
