// The statements of orders that are paid, closed and asked about, as effects on rows.
import { PROVIDER_NAME } from '../../apps/orders/src/storage/order-rows';
import {
  type Statement,
  available,
  itemLock,
  moveItem,
  orderColumns,
  tombstoneKey,
  unitsOf,
  winsKey,
  winsLock,
} from './model-decide';
import { refundStatements } from './model-refund-statements';
import type { Session, StoredOrder } from './model-tables';

const orderLocks = (_session: Session, [orderIds]: readonly unknown[]): string[] =>
  (orderIds as string[]).map((orderId) => `order ${orderId}`);
const RETRY_DOUBLINGS = 6;

/** By how the statement begins, blanks counting as one. */
export function orderStatements(): readonly (readonly [start: string, statement: Statement])[] {
  return [
    ...writerStatements(),
    ...winStatements(),
    ...moneyStatements(),
    ...callbackStatements(),
    ...lateStatements(),
    ...refundStatements(),
    ...expiryStatements(),
    ['insert into outbox', { name: 'outbox', run: () => [] }],
  ];
}

function loaded(session: Session, orderId: string): object[] {
  const order = session.get('orders', orderId);
  if (order === undefined) return [];
  const intent = session.all('intents').find((row) => row.order_id === orderId);
  return orderColumns(session, orderId).map((columns) => ({
    ...columns,
    win_limit: session.get('rounds', order.round_id)!.win_limit,
    intent:
      intent === undefined
        ? null
        : {
            intentId: intent.intent_id,
            provider: PROVIDER_NAME,
            payUrl: intent.pay_url,
            status: intent.status,
            clientSecret: null,
            chargeId: intent.charge_id,
          },
    refunds: session
      .all('refunds')
      .filter((row) => row.order_id === orderId)
      .map((row) => ({
        refundId: row.refund_id,
        intentId: row.intent_id,
        chargeId: row.charge_id,
        minor: row.minor,
        currency: 'CNY',
        status: row.status,
      })),
    late_decision: session.get('late', orderId)?.decision ?? null,
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
    [
      'select item_id, quota, held + sold + released',
      {
        name: 'counters',
        locks: [(_session, [itemIds]) => (itemIds as string[]).map(itemLock)],
        run: (session, [itemIds]) =>
          (itemIds as string[]).map((itemId) => {
            const item = session.get('items', itemId)!;
            return { ...item, handed_out: item.held + item.sold + item.released };
          }),
      },
    ],
    // Which sale counts as a second one is a statistic that no step of the protocol looks at.
    ['select order_id from ( select order_id, sum(quantity)', { name: 'first-pass', run: () => [] }],
    [
      'update round_items i set held',
      {
        name: 'move-counters',
        locks: [(_session, [itemIds]) => (itemIds as string[]).map(itemLock)],
        run: (session, params) => {
          const [itemIds, held, sold, released] = params as [string[], number[], number[], number[]];
          return itemIds.map((itemId, at) => {
            const item = session.get('items', itemId)!;
            moveItem(session, itemId, {
              held: item.held + held[at]!,
              sold: item.sold + sold[at]!,
              released: item.released + released[at]!,
            });
            return { item_id: itemId };
          });
        },
      },
    ],
    ['update orders o set status = n.to_status', { name: 'write-orders', locks: [orderLocks], run: writeOrders }],
  ];
}

function writeOrders(session: Session, params: readonly unknown[]): object[] {
  const [ids, from, sequences, to, events, reasons, paid, closed, checks] = params as [
    string[],
    string[],
    number[],
    StoredOrder['status'][],
    number[],
    (string | null)[],
    boolean[],
    boolean[],
    (number | null)[],
  ];
  return ids.flatMap((orderId, at) => {
    const order = session.get('orders', orderId);
    if (order === undefined || order.status !== from[at] || order.sequence !== sequences[at]) return [];
    session.put('orders', orderId, {
      status: to[at]!,
      sequence: order.sequence + events[at]!,
      close_reason: reasons[at] ?? order.close_reason,
      paid_ms: paid[at]! ? session.startedMs : order.paid_ms,
      closed_ms: closed[at]! ? session.startedMs : order.closed_ms,
      next_check_ms: checks[at] === null ? null : session.startedMs + checks[at]!,
      check_attempts: to[at] === order.status ? order.check_attempts : 0,
    });
    return [{ order_id: orderId }];
  });
}

function winStatements(): (readonly [string, Statement])[] {
  const locks = (_session: Session, [series, buyers]: readonly unknown[]): string[] =>
    (series as string[]).map((seriesId, at) => winsLock(seriesId, (buyers as string[])[at]!));
  const lock = (_session: Session, [seriesId, buyerId]: readonly unknown[]): string[] => [
    winsLock(seriesId as string, buyerId as string),
  ];
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
    [
      'insert into series_wins',
      {
        name: 'make-wins',
        locks: [lock],
        run: (session, [seriesId, buyerId]) => {
          const key = winsKey(seriesId as string, buyerId as string);
          const row = { series_id: seriesId as string, buyer_id: buyerId as string, wins: 0 };
          if (session.get('wins', key) === undefined) session.put('wins', key, row);
          return [];
        },
      },
    ],
    [
      'select wins from series_wins',
      {
        name: 'read-wins',
        locks: [lock],
        run: (session, [seriesId, buyerId]) => [session.get('wins', winsKey(seriesId as string, buyerId as string))!],
      },
    ],
  ];
}

function callbackStatements(): (readonly [string, Statement])[] {
  const eventKeys = ([providers, events]: readonly unknown[]): string[] =>
    (providers as string[]).map((provider, at) => `${provider} ${(events as string[])[at]!}`);
  return [
    [
      'select provider, event_id from payment_callbacks',
      {
        name: 'seen-events',
        run: (session, params) => eventKeys(params).flatMap((key) => session.get('callbacks', key) ?? []),
      },
    ],
    [
      'insert into payment_callbacks',
      {
        name: 'note-events',
        locks: [(_session, params) => eventKeys(params).map((key) => `callback ${key}`)],
        run: (session, params) => {
          const [providers, events, , , outcomes] = params as [string[], string[], string[], string[], string[]];
          eventKeys(params).forEach((key, at) => {
            if (session.get('callbacks', key) !== undefined) return;
            const row = { provider: providers[at]!, event_id: events[at]!, outcome: outcomes[at]! };
            session.put('callbacks', key, row);
          });
          return [];
        },
      },
    ],
  ];
}

function moneyStatements(): (readonly [string, Statement])[] {
  return [
    [
      'insert into payment_intents as i (intent_id, order_id, provider, amount_minor, currency, pay_url, status, charge_id)',
      { name: 'pay-intents', run: payIntents },
    ],
    [
      'insert into late_payments',
      {
        name: 'late-payment',
        run: (session, [orderId, claimId, decision]) => {
          const row = { order_id: orderId as string, claim_id: claimId as string, decision: decision as 'HONOURED' };
          session.put('late', row.order_id, row);
          return [];
        },
      },
    ],
    [
      'insert into payment_intents as i (intent_id, order_id, provider, amount_minor, currency, pay_url, client_secret',
      {
        name: 'store-intent',
        run: (session, [intentId, orderId, , , , payUrl]) => {
          const known = session.all('intents').find((row) => row.order_id === orderId);
          if (known !== undefined) {
            if (known.pay_url === '') session.put('intents', known.intent_id, { pay_url: payUrl as string });
            return [];
          }
          session.put('intents', intentId as string, {
            intent_id: intentId as string,
            order_id: orderId as string,
            pay_url: payUrl as string,
            status: 'PENDING',
            charge_id: null,
          });
          return [];
        },
      },
    ],
  ];
}

function payIntents(session: Session, params: readonly unknown[]): object[] {
  const [orders, intents, statuses, charges] = params as [string[], string[], string[], (string | null)[]];
  orders.forEach((order_id, at) => {
    const known = session.all('intents').find((row) => row.order_id === order_id);
    const [intent_id, status, charge_id] = [intents[at]!, statuses[at]!, charges[at]!];
    if (known === undefined) session.put('intents', intent_id, { intent_id, order_id, pay_url: '', status, charge_id });
    else session.put('intents', known.intent_id, { status, charge_id: charge_id ?? known.charge_id });
  });
  return [];
}

function lateStatements(): (readonly [string, Statement])[] {
  return [
    [
      'select i.selling, i.quota',
      {
        name: 'late-facts',
        run: (session, [itemId, buyerId, claimId, epoch, admission], nowMs) => {
          const item = session.get('items', itemId as string)!;
          const round = session.get('rounds', item.round_id)!;
          const key = tombstoneKey(claimId as string, String(epoch), String(admission));
          return [
            {
              ...item,
              epoch: String(item.epoch),
              available: available(item),
              round_open: nowMs >= round.opens_ms && nowMs < round.closes_ms,
              win_limit: round.win_limit,
              buyer_units: unitsOf(session, item.item_id, buyerId as string),
              tombstoned: session.get('tombstones', key) !== undefined,
            },
          ];
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
            .filter(
              (order) =>
                order.status === 'AWAITING_PAYMENT' &&
                order.expires_ms <= session.startedMs &&
                (order.next_check_ms === null || order.next_check_ms <= session.startedMs),
            )
            .filter((order) => locked(session, order)),
      },
    ],
    [
      'update orders set check_attempts',
      {
        name: 'lease',
        locks: [orderLocks],
        run: (session, [ids, askAgainMs]) => {
          for (const orderId of ids as string[]) {
            const { check_attempts } = session.get('orders', orderId)!;
            const pauseMs = Number(askAgainMs) * 2 ** Math.min(check_attempts, RETRY_DOUBLINGS);
            session.put('orders', orderId, {
              check_attempts: check_attempts + 1,
              next_check_ms: session.startedMs + pauseMs,
            });
          }
          return [];
        },
      },
    ],
    [
      'update orders o set check_attempts',
      { name: 'check-closed', run: (session, params) => checkClosed(session, params) },
    ],
  ];
}

/** FOR NO KEY UPDATE SKIP LOCKED. */
function locked(session: Session, order: StoredOrder): boolean {
  const lock = `order ${order.order_id}`;
  if (!session.canLock(lock)) return false;
  session.lock(lock);
  return true;
}

function checkClosed(session: Session, [firstMs, askForMs]: readonly unknown[]): object[] {
  const now = session.startedMs;
  return session
    .all('orders')
    .filter((order) => order.status === 'CLOSED' && order.next_check_ms !== null && order.next_check_ms <= now)
    .filter((order) => locked(session, order))
    .flatMap((order) => {
      const pauseMs = Number(firstMs) * 2 ** Math.min(order.check_attempts + 1, RETRY_DOUBLINGS);
      const again = order.closed_ms! + Number(askForMs) > now;
      session.put('orders', order.order_id, {
        check_attempts: order.check_attempts + 1,
        next_check_ms: again ? now + pauseMs : null,
      });
      const intent = session.all('intents').find((row) => row.order_id === order.order_id);
      return intent === undefined ? [] : [{ order_id: order.order_id, intent_id: intent.intent_id }];
    });
}
