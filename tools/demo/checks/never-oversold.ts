// P1: sold + held never exceeds the quota, at the end and at every instant of the sale.
import {
  type SaleDatabases,
  Inspection,
  type ItemRow,
  type OrderRow,
  readItems,
  readOrders,
  uuidOf,
  type Verdict,
} from './facts';

interface UnitChange {
  readonly id: string;
  readonly type: string;
  readonly payload: { readonly itemId: string; readonly lines: readonly { readonly quantity: number }[] };
}

/** Whether an event takes units from the stock or returns them. */
const DIRECTION: Readonly<Record<string, 1 | -1>> = {
  'orders.order.placed.v1': 1,
  'orders.order.closed.v1': -1,
  'orders.order.late-payment-honoured.v1': 1,
};

export async function checkNeverOversold(databases: SaleDatabases): Promise<Verdict> {
  const inspection = new Inspection();
  const items = await readItems(databases);
  const orders = await readOrders(databases);
  for (const item of items) compareCounters(inspection, item, orders);
  await replay(inspection, databases, items);
  return inspection.verdict;
}

function compareCounters(inspection: Inspection, item: ItemRow, orders: readonly OrderRow[]): void {
  const units = (status: OrderRow['status']): number =>
    orders
      .filter((order) => order.item_id === item.item_id && order.status === status)
      .reduce((sum, order) => sum + order.quantity, 0);
  const taken = item.held + item.sold + item.written_off;
  inspection.expect(taken <= item.quota, () => `item ${item.item_id}: ${taken} units taken of ${item.quota}`);
  inspection.expect(
    units('AWAITING_PAYMENT') === item.held,
    () => `item ${item.item_id}: held ${item.held}, orders ${units('AWAITING_PAYMENT')}`,
  );
  inspection.expect(
    units('PAID') === item.sold,
    () => `item ${item.item_id}: sold ${item.sold}, orders ${units('PAID')}`,
  );
}

/**
 * Replays the sale from the outbox. An event is written in the transaction of its change, which holds the lock of the item.
 * So the ids in the outbox have the order of the changes of each item.
 */
async function replay(inspection: Inspection, databases: SaleDatabases, items: readonly ItemRow[]): Promise<void> {
  const { rows } = await databases.orders.query<UnitChange>(
    'select o.id::text, o.type, o.payload::json as payload from outbox o where o.type = any($1::text[]) order by o.id',
    [Object.keys(DIRECTION)],
  );
  const quotas = new Map(items.map((item) => [item.item_id, item.quota]));
  const taken = new Map<string, number>();
  for (const { id, type, payload } of rows) {
    const itemId = uuidOf('item', payload.itemId);
    const quota = quotas.get(itemId);
    if (quota === undefined) continue;
    const units = payload.lines.reduce((sum, line) => sum + line.quantity, 0);
    const now = (taken.get(itemId) ?? 0) + (DIRECTION[type] ?? 0) * units;
    taken.set(itemId, now);
    inspection.expect(
      now >= 0 && now <= quota,
      () => `item ${itemId}: ${now} of ${quota} units taken after event ${id} (${type})`,
    );
  }
  for (const item of items) {
    const now = taken.get(item.item_id) ?? 0;
    inspection.expect(
      now === item.held + item.sold,
      () => `item ${item.item_id}: the events end at ${now} units, the counters say ${item.held + item.sold}`,
    );
  }
}
