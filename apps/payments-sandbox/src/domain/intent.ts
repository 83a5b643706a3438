// The life of a payment intent at the provider. Pure: a command gives a Change (the next state, the callbacks it owes and
// a charge to make later), which storage writes while the intent is locked.
import { type Money, type Result, assert, defineStateMachine, err, money, ok } from '@gravity/kernel';
import type { PaymentPlan } from './payment-plan';

export type IntentStatus = 'PENDING' | 'PROCESSING' | 'PAID' | 'DECLINED' | 'CANCELLED';

/**
 * PROCESSING is a confirmed payment whose money has not moved yet. A declined intent may be tried again. CANCELLED → PAID
 * is money that was already in flight when the intent was cancelled; nothing else leaves CANCELLED.
 */
export const INTENT_MACHINE = defineStateMachine<IntentStatus>('payment-intent', 'PENDING', {
  PENDING: ['PROCESSING', 'PAID', 'DECLINED', 'CANCELLED'],
  PROCESSING: ['PAID', 'CANCELLED'],
  DECLINED: ['PROCESSING', 'PAID', 'DECLINED', 'CANCELLED'],
  CANCELLED: ['PAID'],
  PAID: [],
});

export interface Intent {
  readonly intentId: string;
  readonly orderId: string;
  readonly amount: Money;
  readonly status: IntentStatus;
  /** After this instant a confirmation is refused; a payment already under way still arrives. */
  readonly expiresAtMs: number;
  /** Counts changes. */
  readonly version: number;
  readonly paid?: { readonly amount: Money; readonly chargeId: string; readonly atMs: number };
  /** Sum of the refunds, in minor units of the intent's currency. */
  readonly refundedMinor: bigint;
}

export type CallbackType = 'payment.succeeded' | 'payment.failed' | 'refund.succeeded';

/** A callback the provider owes. Two with the same event id are two deliveries of one event. */
export interface Callback {
  readonly eventId: string;
  readonly type: CallbackType;
  readonly amount: Money;
  readonly chargeId: string;
  readonly refundId?: string;
  readonly occurredAtMs: number;
  readonly dueAtMs: number;
}

/** Money that moves later. */
export interface ScheduledCharge {
  readonly chargeId: string;
  readonly intentId: string;
  readonly amount: Money;
  readonly survivesCancellation: boolean;
  readonly dueAtMs: number;
}

export interface Change {
  readonly next: Intent;
  readonly callbacks: readonly Callback[];
  readonly scheduled?: ScheduledCharge;
}

/** Delay of the stale failure after the success (`tok_callbacks_out_of_order`). */
export const STALE_CALLBACK_DELAY_MS = 500;

/**
 * The buyer pays. Undefined inside `ok` means that there is nothing to do: the intent is paid or its payment is under way,
 * and a repeated tap must not pay twice.
 */
export function confirm(
  intent: Intent,
  plan: PaymentPlan,
  attempt: { readonly nowMs: number; readonly chargeId: string },
): Result<Change | undefined, 'cancelled' | 'expired'> {
  if (intent.status === 'PAID' || intent.status === 'PROCESSING') return ok(undefined);
  if (intent.status === 'CANCELLED') return err('cancelled');
  if (attempt.nowMs >= intent.expiresAtMs) return err('expired');
  if (plan.outcome === 'decline') {
    const failed = paymentCallback('payment.failed', intent.amount, attempt.chargeId, attempt.nowMs, attempt.nowMs);
    return ok({ next: move(intent, 'DECLINED'), callbacks: [failed] });
  }
  const amount = plan.wrongAmount ? otherAmount(intent.amount) : intent.amount;
  if (plan.chargeDelayMs > 0) {
    const scheduled: ScheduledCharge = {
      chargeId: attempt.chargeId,
      intentId: intent.intentId,
      amount,
      survivesCancellation: plan.survivesCancellation,
      dueAtMs: attempt.nowMs + plan.chargeDelayMs,
    };
    return ok({ next: move(intent, 'PROCESSING'), callbacks: [], scheduled });
  }
  const next = { ...move(intent, 'PAID'), paid: { amount, chargeId: attempt.chargeId, atMs: attempt.nowMs } };
  return ok({ next, callbacks: successCallbacks(plan, amount, attempt) });
}

/** A scheduled charge falls due. Undefined when it must not happen: the intent was cancelled in time, or is paid already. */
export function settleCharge(intent: Intent, charge: ScheduledCharge, nowMs: number): Change | undefined {
  const cancelledInTime = intent.status === 'CANCELLED' && !charge.survivesCancellation;
  if (cancelledInTime || intent.status === 'PAID') return undefined;
  const paid = { amount: charge.amount, chargeId: charge.chargeId, atMs: nowMs };
  return {
    next: { ...move(intent, 'PAID'), paid },
    callbacks: [paymentCallback('payment.succeeded', charge.amount, charge.chargeId, nowMs, nowMs)],
  };
}

/** The merchant cancels the intent. Undefined when that changes nothing: it is cancelled already, or paid. */
export function cancel(intent: Intent): Change | undefined {
  if (intent.status === 'PAID' || intent.status === 'CANCELLED') return undefined;
  return { next: move(intent, 'CANCELLED'), callbacks: [] };
}

/** Money goes back to the buyer: at most what was paid, over all refunds together. */
export function refund(
  intent: Intent,
  request: { readonly amount: Money; readonly refundId: string; readonly nowMs: number },
): Result<Change, 'not-paid' | 'wrong-currency' | 'more-than-paid'> {
  if (intent.paid === undefined) return err('not-paid');
  if (request.amount.currency !== intent.paid.amount.currency) return err('wrong-currency');
  const refundedMinor = intent.refundedMinor + request.amount.minor;
  if (refundedMinor > intent.paid.amount.minor) return err('more-than-paid');
  const callback: Callback = {
    eventId: `evt_${request.refundId}`,
    type: 'refund.succeeded',
    amount: request.amount,
    chargeId: intent.paid.chargeId,
    refundId: request.refundId,
    occurredAtMs: request.nowMs,
    dueAtMs: request.nowMs,
  };
  return ok({ next: { ...intent, version: intent.version + 1, refundedMinor }, callbacks: [callback] });
}

function move(intent: Intent, to: IntentStatus): Intent {
  assert(
    INTENT_MACHINE.allows(intent.status, to),
    `intent ${intent.intentId}: ${intent.status} does not lead to ${to}`,
  );
  return { ...intent, status: to, version: intent.version + 1 };
}

/** One minor unit less, or one more where nothing would be left. */
function otherAmount(amount: Money): Money {
  return money(amount.minor > 1n ? amount.minor - 1n : amount.minor + 1n, amount.currency);
}

function successCallbacks(
  plan: PaymentPlan,
  amount: Money,
  attempt: { readonly nowMs: number; readonly chargeId: string },
): Callback[] {
  const dueAtMs = attempt.nowMs + plan.callbackDelayMs;
  const success = paymentCallback('payment.succeeded', amount, attempt.chargeId, attempt.nowMs, dueAtMs);
  switch (plan.callbacks) {
    case 'once':
      return [success];
    case 'twice':
      return [success, success];
    case 'none':
      return [];
    case 'stale-failure-after': {
      // It describes the moment before the success, and arrives after it.
      const staleDueMs = dueAtMs + STALE_CALLBACK_DELAY_MS;
      return [success, paymentCallback('payment.failed', amount, attempt.chargeId, attempt.nowMs - 1, staleDueMs)];
    }
  }
}

function paymentCallback(
  type: 'payment.succeeded' | 'payment.failed',
  amount: Money,
  chargeId: string,
  occurredAtMs: number,
  dueAtMs: number,
): Callback {
  // The event id follows from the charge, so an event written twice by accident is still one event.
  const eventId = `evt_${chargeId}_${type === 'payment.succeeded' ? 'succeeded' : 'failed'}`;
  return { eventId, type, amount, chargeId, occurredAtMs, dueAtMs };
}
