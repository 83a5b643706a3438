// An order is its own reservation: its units are held while it awaits payment, sold once it is paid, and released when it
// closes. Everything that can happen to it afterwards is decided here; storage only writes what these functions say.
import { type Money, defineStateMachine, equalMoney } from '@gravity/kernel';

export type OrderStatus = 'AWAITING_PAYMENT' | 'PAID' | 'CLOSED' | 'REFUNDING' | 'REFUNDED';
export const CLOSE_REASONS = ['EXPIRED', 'CANCELLED_BY_BUYER', 'DISCREPANCY'] as const;
export type CloseReason = (typeof CLOSE_REASONS)[number];
export type RefundReason = 'LATE_PAYMENT' | 'DISCREPANCY' | 'DUPLICATE_PAYMENT';

/**
 * CLOSED → PAID is a late payment that found a fresh unit. A payment of the wrong amount closes the order (DISCREPANCY)
 * and refunds in the same transaction, so AWAITING_PAYMENT never leads to REFUNDING directly: the release of the units
 * is always an `orders.order.closed` event.
 */
export const ORDER_MACHINE = defineStateMachine<OrderStatus>('order', 'AWAITING_PAYMENT', {
  AWAITING_PAYMENT: ['PAID', 'CLOSED'],
  PAID: [],
  CLOSED: ['PAID', 'REFUNDING'],
  REFUNDING: ['REFUNDED'],
  REFUNDED: [],
});

export const ORDER_STATUSES: readonly OrderStatus[] = ORDER_MACHINE.states;

export interface OrderLine {
  readonly skuId: string;
  readonly title: string;
  readonly quantity: number;
  readonly unitPrice: Money;
  readonly priceVersionId?: string;
}

/** An order with its lines. Ids are uuids, times are milliseconds since the Unix epoch by Postgres' clock. */
export interface Order {
  readonly orderId: string;
  readonly status: OrderStatus;
  readonly seriesId: string;
  readonly roundId: string;
  readonly itemId: string;
  readonly buyerId: string;
  readonly merchantId: string;
  readonly shopId: string;
  readonly quantity: number;
  readonly lines: readonly OrderLine[];
  readonly total: Money;
  readonly placedAtMs: number;
  readonly expiresAtMs: number;
  readonly paidAtMs?: number;
  readonly closedAtMs?: number;
  readonly closeReason?: CloseReason;
  /** Counts the order's events; its version on the wire. */
  readonly sequence: number;
}

/** The money of an order, as far as it is known. */
export interface OrderMoney {
  readonly status: OrderStatus;
  readonly total: Money;
  /** The charge that decided the order: the one it was paid with, or the first one that had to be refunded. */
  readonly chargeId?: string;
  /** Charges for which a refund was requested, done or not. */
  readonly refundedCharges: ReadonlySet<string>;
}

/** The provider took money. */
export interface PaymentSucceeded {
  readonly chargeId: string;
  readonly amount: Money;
}

export type PaymentDecision =
  /** The order is paid in time: held units become sold. */
  | { readonly do: 'pay' }
  /** Nothing new: this charge has had its effect. */
  | { readonly do: 'nothing' }
  /** Another amount than the order's: close, release the units, give the money back. */
  | { readonly do: 'close-and-refund'; readonly reason: 'DISCREPANCY' }
  /** The order has closed: find a fresh unit, or give the money back with {@link refundLatePayment}. */
  | { readonly do: 'late' }
  /** Give this charge back. `moves` tells whether the order itself goes to REFUNDING. */
  | { readonly do: 'refund'; readonly reason: RefundReason; readonly moves: boolean };

/**
 * True for an order that costs nothing and awaits payment. It is paid without a provider, also past its time: there is no
 * payment to wait for.
 */
export function isFree(order: Pick<OrderMoney, 'status' | 'total'>): boolean {
  return order.status === 'AWAITING_PAYMENT' && order.total.minor === 0n;
}

/** A payment success arrives, in any state of the order and any number of times. */
export function decidePaymentSucceeded(order: OrderMoney, payment: PaymentSucceeded): PaymentDecision {
  if (payment.chargeId === order.chargeId || order.refundedCharges.has(payment.chargeId)) return { do: 'nothing' };
  const exact = equalMoney(payment.amount, order.total);
  switch (order.status) {
    case 'AWAITING_PAYMENT':
      return exact ? { do: 'pay' } : { do: 'close-and-refund', reason: 'DISCREPANCY' };
    case 'CLOSED':
      return exact ? { do: 'late' } : { do: 'refund', reason: 'DISCREPANCY', moves: true };
    case 'PAID':
    case 'REFUNDING':
    case 'REFUNDED':
      return { do: 'refund', reason: 'DUPLICATE_PAYMENT', moves: false };
  }
}

/** A payment failed at the provider. It never closes an order: the buyer may try again until the order expires. */
export function decidePaymentFailed(order: Pick<OrderMoney, 'status'>): { readonly do: 'note' | 'nothing' } {
  return { do: order.status === 'AWAITING_PAYMENT' ? 'note' : 'nothing' };
}

/** The provider's answer about the intent of an order. `unknown` covers silence, errors and a payment in flight. */
export type ProviderAnswer = 'no-intent' | 'unpaid' | 'unknown' | 'paid';

export type ClosingDecision = { readonly do: 'close' | 'ask-again' | 'settle-payment' | 'nothing' };

/**
 * An unpaid order is past its time. While the provider cannot tell, it is asked again; when `mayAskAgain` is over, the
 * order closes all the same and a payment that then turns up takes the late path.
 */
export function decideExpiry(status: OrderStatus, answer: ProviderAnswer, mayAskAgain: boolean): ClosingDecision {
  if (status !== 'AWAITING_PAYMENT') return { do: 'nothing' };
  if (answer === 'paid') return { do: 'settle-payment' };
  if (answer === 'unknown' && mayAskAgain) return { do: 'ask-again' };
  return { do: 'close' };
}

export type CancelDecision = { readonly do: 'close' | 'settle-payment' | 'retry-later' | 'refuse' };

/** The buyer cancels. Only an order that awaits payment can be cancelled, and only while no payment is in flight. */
export function decideCancellation(status: OrderStatus, answer: ProviderAnswer): CancelDecision {
  if (status !== 'AWAITING_PAYMENT') return { do: 'refuse' };
  if (answer === 'paid') return { do: 'settle-payment' };
  return { do: answer === 'unknown' ? 'retry-later' : 'close' };
}

/** A refund went through: the order is REFUNDED once none of its refunds is open. */
export function decideRefundSucceeded(status: OrderStatus, openRefunds: number): { readonly moves: boolean } {
  return { moves: status === 'REFUNDING' && openRefunds === 0 };
}
