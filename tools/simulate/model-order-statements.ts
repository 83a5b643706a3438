// The statements that close orders and read them, as effects on rows. Payments are not part of the claim protocol: no order
// of the model has an intent, and a statement about money is unknown, so a schedule that reaches one fails.
import { type Statement, itemLock, moveItem, orderColumns, winsKey, winsLock } from './model-decide';
import type { Session, StoredOrder } from './model-tables';

const orderLocks = (_session: Session, [orderIds]: readonly unknown[]): string[] =>
  (orderIds as string[]).map((orderId) => `order ${orderId}`);

/** Statements by their first words; runs of blanks count as one blank. */
export function orderStatements(): readonly (readonly [start: string, statement: Statement])[] {
  return [
    ...writerStatements(),
    ...counterStatements(),
    ...winStatements(),
    ...expiryStatements(),
    ['insert into outbox', { name: 'outbox', run: () => [] }],
  ];
}

function loaded(session: Session, orderId: string): object[] {
  const order = session.get('orders', orderId);
  if (order === undefined) return [];
  return orderColumns(session, orderId).map((columns) => ({
    ...columns,
    win_limit: session.get('rounds', order.round_id)!.win_limit,
    check_attempts: 0,
    intent: null,
    refunds: null,
    late_decision: null,
    now_ms: session.startedMs,
  }));
}

function writerStatements(): (readonly [string, Statement])[] {
  return [
    ['select 1 from orders where order_id', { name: 'lock-orders', locks: [orderLocks], run: () => [] }],
    [
      'select o.order_id, o.claim_id',
      {
        name: 'load-orders',
        run: (session, [ids]) => (Array.isArray(ids) ? ids : [ids]).flatMap((id) => loaded(session, id as string)),
      },
    ],
    ['update orders o set status = n.to_status', { name: 'write-orders', locks: [orderLocks], run: writeOrders }],
  ];
}

function writeOrders(session: Session, params: readonly unknown[]): object[] {
  const [ids, from, sequences, to, events, reasons, , closed] = params as [
    string[],
    string[],
    number[],
    StoredOrder['status'][],
    number[],
    (string | null)[],
    boolean[],
    boolean[],
  ];
  return ids.flatMap((orderId, at) => {
    const order = session.get('orders', orderId);
    if (order === undefined || order.status !== from[at] || order.sequence !== sequences[at]) return [];
    session.put('orders', orderId, {
      status: to[at]!,
      sequence: order.sequence + events[at]!,
      close_reason: reasons[at] ?? order.close_reason,
      closed_ms: closed[at]! ? session.startedMs : order.closed_ms,
    });
    return [{ order_id: orderId }];
  });
}

function counterStatements(): (readonly [string, Statement])[] {
  const locks = (_session: Session, [itemIds]: readonly unknown[]): string[] => (itemIds as string[]).map(itemLock);
  return [
    [
      'select item_id, quota, held + sold + released',
      {
        name: 'counters',
        locks: [locks],
        run: (session, [itemIds]) =>
          (itemIds as string[]).map((itemId) => {
            const { quota, held, released } = session.get('items', itemId)!;
            return { item_id: itemId, quota, handed_out: held + released, first_pass_until: null };
          }),
      },
    ],
    // Which sale counts as a second one is a statistic that no step of the protocol reads.
    ['select order_id from ( select order_id, sum(quantity)', { name: 'first-pass', run: () => [] }],
    [
      'update round_items i set held',
      {
        name: 'move-counters',
        locks: [locks],
        run: (session, params) => {
          const [itemIds, held, , released] = params as [string[], number[], number[], number[]];
          return itemIds.map((itemId, at) => {
            const item = session.get('items', itemId)!;
            moveItem(session, itemId, { held: item.held + held[at]!, released: item.released + released[at]! });
            return { item_id: itemId };
          });
        },
      },
    ],
  ];
}

function winStatements(): (readonly [string, Statement])[] {
  const locks = (_session: Session, [series, buyers]: readonly unknown[]): string[] =>
    (series as string[]).map((seriesId, at) => winsLock(seriesId, (buyers as string[])[at]!));
  return [
    ['select 1 from series_wins w', { name: 'lock-wins', locks: [locks], run: () => [] }],
    [
      'update series_wins w set wins',
      {
        name: 'move-wins',
        locks: [locks],
        run: (session, params) => {
          const [series, buyers, steps] = params as [string[], string[], number[]];
          series.forEach((seriesId, at) => {
            const key = winsKey(seriesId, buyers[at]!);
            const row = session.get('wins', key);
            if (row !== undefined) session.put('wins', key, { wins: row.wins + steps[at]! });
          });
          return [];
        },
      },
    ],
  ];
}

function expiryStatements(): (readonly [string, Statement])[] {
  return [
    [
      'select order_id from orders where status',
      {
        name: 'take-expired',
        run: (session) =>
          session
            .all('orders')
            .filter((order) => order.status === 'AWAITING_PAYMENT' && order.expires_ms <= session.startedMs)
            .filter((order) => lockedOrSkipped(session, order)),
      },
    ],
    // It asks about intents of closed orders, and there are none.
    ['update orders o set check_attempts', { name: 'check-closed', run: () => [] }],
  ];
}

/** FOR NO KEY UPDATE SKIP LOCKED: false when another transaction holds the order. */
function lockedOrSkipped(session: Session, order: StoredOrder): boolean {
  const lock = `order ${order.order_id}`;
  if (!session.canLock(lock)) return false;
  session.lock(lock);
  return true;
}
