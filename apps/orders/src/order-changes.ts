// The rows that follow from a decision: one OrderChange per order, written with others of its kind by the order writer.
// Pure, so that a test can follow the counters through any history without a database.
import { type Money, assert, uuidFromParts } from '@gravity/kernel';
import { type CloseReason, isFree, ORDER_MACHINE, type OrderStatus, type RefundReason } from './domain/order';
import type { LatePaymentReason } from './domain/late-payment';
import {
  type OrderEvent,
  orderClosed,
  orderLateHonoured,
  orderPaid,
  orderRefundRequested,
  orderRefunded,
} from './order-events';
import type { LoadedOrder, StoredIntent, StoredRefund } from './storage/order-rows';

/** Money that the provider took. */
export interface Charge {
  readonly intentId: string;
  readonly chargeId: string;
  readonly amount: Money;
}

/** Changes of the counters of the order's item, in units. */
export interface CounterMove {
  readonly held: number;
  readonly sold: number;
  readonly released: number;
}

export interface OrderChange {
  readonly order: LoadedOrder;
  readonly to: OrderStatus;
  readonly closeReason?: CloseReason;
  /** True when the order gets `paid_at` or `closed_at`: the transaction's time. */
  readonly paid: boolean;
  readonly closed: boolean;
  readonly move?: CounterMove;
  /** +1 or −1 on the buyer's wins in the series; the writer leaves series without a win limit alone. */
  readonly wins: -1 | 0 | 1;
  /** True when the gate must hear that the order's claim gives its units back. */
  readonly givesBack: boolean;
  readonly intent?: { readonly intentId: string; readonly status: StoredIntent['status']; readonly chargeId?: string };
  readonly refund?: { readonly refundId: string; readonly charge: Charge; readonly reason: RefundReason };
  readonly refundDone?: { readonly refundId: string; readonly providerRefundId: string };
  readonly late?: {
    readonly claimId: string;
    readonly decision: 'HONOURED' | 'REFUNDED';
    readonly reason: LatePaymentReason;
  };
  /** Time until a closed order's intent is looked at again, in ms. */
  readonly checkInMs?: number;
  readonly events: readonly OrderEvent[];
}

/** First look at the intent of a closed order; later ones wait twice as long each. */
export const FIRST_LATE_CHECK_MS = 5_000;

/** The id of the claim by which a late payment asks the gate for a unit: one for each order, in every process. */
export function lateClaimId(orderId: string): string {
  return uuidFromParts('late', orderId);
}

/** Paid in time. */
export function pay(order: LoadedOrder, charge: Charge): OrderChange {
  return {
    ...change(order, 'PAID'),
    paid: true,
    move: { held: -order.quantity, sold: order.quantity, released: 0 },
    intent: { intentId: charge.intentId, status: 'PAID', chargeId: charge.chargeId },
    events: [orderPaid(order, order.sequence + 1, order.nowMs, charge.intentId)],
  };
}

/** Costs nothing, so it is paid without a provider. Its payment has an id, as every payment has, but no intent. */
export function payFree(order: LoadedOrder): OrderChange {
  assert(isFree(order), 'only an order that costs nothing is paid without a provider');
  return {
    ...change(order, 'PAID'),
    paid: true,
    move: { held: -order.quantity, sold: order.quantity, released: 0 },
    events: [orderPaid(order, order.sequence + 1, order.nowMs, `free:${order.orderId}`)],
  };
}

/** Ends without a sale; the units and the win are released. */
export function close(order: LoadedOrder, reason: CloseReason, intentStatus?: StoredIntent['status']): OrderChange {
  return {
    ...change(order, 'CLOSED'),
    closed: true,
    closeReason: reason,
    ...releaseOf(order),
    ...(order.intent === undefined
      ? {}
      : {
          checkInMs: FIRST_LATE_CHECK_MS,
          intent: { intentId: order.intent.intentId, status: intentStatus ?? order.intent.status },
        }),
    events: [orderClosed(order, order.sequence + 1, order.nowMs, reason)],
  };
}

/** The provider took another amount than the order's: closes, and gives the money back. */
export function closeAndRefund(order: LoadedOrder, charge: Charge): OrderChange {
  assert(ORDER_MACHINE.allows('CLOSED', 'REFUNDING'), 'a closed order may be refunded');
  const refund = newRefund(charge, 'DISCREPANCY');
  return {
    ...change(order, 'CLOSED'),
    to: 'REFUNDING',
    closed: true,
    closeReason: 'DISCREPANCY',
    ...releaseOf(order),
    intent: { intentId: charge.intentId, status: 'PAID', chargeId: charge.chargeId },
    refund,
    events: [
      orderClosed(order, order.sequence + 1, order.nowMs, 'DISCREPANCY'),
      requested(order, order.sequence + 2, refund),
    ],
  };
}

/** A late payment found a fresh unit. */
export function honourLate(order: LoadedOrder, charge: Charge, reason: LatePaymentReason): OrderChange {
  return {
    ...change(order, 'PAID'),
    paid: true,
    move: { held: 0, sold: order.quantity, released: 0 },
    wins: 1,
    intent: { intentId: charge.intentId, status: 'PAID', chargeId: charge.chargeId },
    late: { claimId: lateClaimId(order.orderId), decision: 'HONOURED', reason },
    events: [orderLateHonoured(order, order.sequence + 1, order.nowMs, charge.intentId)],
  };
}

/** A late payment found no unit: the money goes back. */
export function refundLate(order: LoadedOrder, charge: Charge, reason: LatePaymentReason): OrderChange {
  const late = { claimId: lateClaimId(order.orderId), decision: 'REFUNDED', reason } as const;
  return { ...refundCharge(order, charge, 'LATE_PAYMENT', true), late };
}

/** Gives one charge back. `moves`: the order's only money, so the order goes to REFUNDING. */
export function refundCharge(order: LoadedOrder, charge: Charge, reason: RefundReason, moves: boolean): OrderChange {
  const refund = newRefund(charge, reason);
  return {
    ...(moves ? change(order, 'REFUNDING') : { ...change(order, undefined) }),
    ...(moves ? { intent: { intentId: charge.intentId, status: 'PAID', chargeId: charge.chargeId } as const } : {}),
    refund,
    events: [requested(order, order.sequence + 1, refund)],
  };
}

/** The provider gave a charge back. `moves`: none of the order's refunds is still open. */
export function finishRefund(
  order: LoadedOrder,
  refund: StoredRefund,
  providerRefundId: string,
  moves: boolean,
): OrderChange {
  return {
    ...change(order, moves ? 'REFUNDED' : undefined),
    refundDone: { refundId: refund.refundId, providerRefundId },
    events: [orderRefunded(order, order.sequence + 1, order.nowMs, refund)],
  };
}

/** A bare change to a state, which the state machine must allow; undefined stays where it is. */
function change(order: LoadedOrder, to: OrderStatus | undefined): OrderChange {
  assert(to === undefined || ORDER_MACHINE.allows(order.status, to), `order: ${order.status} does not lead to ${to}`);
  return { order, to: to ?? order.status, paid: false, closed: false, wins: 0, givesBack: false, events: [] };
}

function releaseOf(order: LoadedOrder): Pick<OrderChange, 'move' | 'wins' | 'givesBack'> {
  return { move: { held: -order.quantity, sold: 0, released: order.quantity }, wins: -1, givesBack: true };
}

function newRefund(charge: Charge, reason: RefundReason): NonNullable<OrderChange['refund']> {
  // One refund per charge, however often it is asked for.
  return { refundId: uuidFromParts('refund', charge.intentId, charge.chargeId), charge, reason };
}

function requested(order: LoadedOrder, sequence: number, refund: NonNullable<OrderChange['refund']>): OrderEvent {
  const { refundId, charge, reason } = refund;
  return orderRefundRequested(order, sequence, order.nowMs, {
    refundId,
    intentId: charge.intentId,
    amount: charge.amount,
    reason,
  });
}
