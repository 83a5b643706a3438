// The statements that ask for money to be given back, as effects on rows.
import type { Statement } from './model-decide';
import type { Session } from './model-tables';

const LEASE_MS = 10_000;
const RETRY_DOUBLINGS = 8;

/** By how the statement begins, blanks counting as one. */
export function refundStatements(): (readonly [start: string, statement: Statement])[] {
  return [
    ['insert into refunds', { name: 'refund', run: request }],
    ['update refunds f set attempts', { name: 'lease-refunds', run: lease }],
    [
      "update refunds set status = 'SUCCEEDED'",
      {
        name: 'refund-done',
        locks: [(_session, [refundId]) => [`refund ${refundId as string}`]],
        run: (session, [refundId]) => {
          session.put('refunds', refundId as string, { status: 'SUCCEEDED' });
          return [];
        },
      },
    ],
  ];
}

function request(session: Session, [refundId, orderId, intentId, chargeId, minor]: readonly unknown[]): object[] {
  session.put('refunds', refundId as string, {
    refund_id: refundId as string,
    order_id: orderId as string,
    intent_id: intentId as string,
    charge_id: chargeId as string,
    minor: minor as string,
    status: 'REQUESTED',
    attempts: 0,
    next_attempt_ms: session.startedMs,
  });
  return [];
}

/** FOR UPDATE SKIP LOCKED, and the next attempt is put off in the same statement. */
function lease(session: Session): object[] {
  const now = session.startedMs;
  return session
    .all('refunds')
    .filter((row) => row.status === 'REQUESTED' && row.next_attempt_ms <= now)
    .flatMap((row) => {
      const lock = `refund ${row.refund_id}`;
      if (!session.canLock(lock)) return [];
      session.lock(lock);
      const attempts = row.attempts + 1;
      const pauseMs = LEASE_MS * 2 ** Math.min(row.attempts, RETRY_DOUBLINGS);
      session.put('refunds', row.refund_id, { attempts, next_attempt_ms: now + pauseMs });
      return [{ ...row, attempts, currency: 'CNY' }];
    });
}
