// P2: every 201 that a buyer received is an order in Postgres with the same content.
import { uuidFromParts } from '@gravity/kernel';
import type { Win } from '../buyers/protocol';
import { type SaleDatabases, Inspection, type OrderRow, readOrders, uuidOf, type Verdict } from './facts';

export async function checkDurableWins(databases: SaleDatabases, wins: readonly Win[]): Promise<Verdict> {
  const inspection = new Inspection();
  const orders = new Map((await readOrders(databases)).map((order) => [order.order_id, order]));
  const first = new Map<string, string>();
  for (const win of wins) {
    const order = orders.get(uuidOf('order', win.orderId));
    inspection.expect(order !== undefined, () => `${win.orderId}: a 201 without an order`);
    if (order !== undefined) compare(inspection, win, order);
    const request = `${win.buyerId} ${win.key}`;
    const earlier = first.get(request) ?? win.orderId;
    first.set(request, earlier);
    inspection.expect(
      earlier === win.orderId,
      () => `${win.buyerId}, key ${win.key}: answered ${earlier} and ${win.orderId}`,
    );
  }
  return inspection.verdict;
}

function compare(inspection: Inspection, win: Win, order: OrderRow): void {
  const answered = [
    win.buyerId,
    uuidOf('item', win.itemId),
    win.quantity,
    String(win.total),
    win.placedAt,
    win.expiresAt,
  ];
  const stored = [
    order.buyer_id,
    order.item_id,
    order.quantity,
    order.total,
    order.placed_at.toISOString(),
    order.expires_at.toISOString(),
  ];
  inspection.expect(
    answered.join() === stored.join(),
    () => `${win.orderId}: answered ${answered.join()}, stored ${stored.join()}`,
  );
  const claimId = uuidFromParts('claim', win.buyerId, win.key);
  inspection.expect(order.claim_id === claimId, () => `${win.orderId}: does not belong to the key ${win.key}`);
}
