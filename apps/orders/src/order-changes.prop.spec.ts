// Goal: for any order and repetition of events a paid order is honoured or refunded, never both and never neither;
// units and wins move as promised. Method: random histories against the pure decisions and changes.
import * as fc from 'fast-check';
import { money, newUuid } from '@gravity/kernel';
import { validateEvent } from '@gravity/contracts';
import { ORDER_MACHINE, decideExpiry, decidePaymentSucceeded, decideRefundSucceeded } from './domain/order';
import {
  type Charge,
  type OrderChange,
  close,
  closeAndRefund,
  finishRefund,
  honourLate,
  pay,
  refundCharge,
  refundLate,
} from './order-changes';
import { type LoadedOrder, moneyOf } from './storage/order-rows';

const total = money(9_900, 'CNY');

type Step =
  | { readonly kind: 'payment'; readonly chargeId: string; readonly exact: boolean; readonly freshUnit: boolean }
  | { readonly kind: 'expiry' }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'refunded' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('payment' as const),
      chargeId: fc.constantFrom('c1', 'c2', 'c3'),
      exact: fc.boolean(),
      freshUnit: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'expiry' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'cancel' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'refunded' as const }) },
);

function placed(): LoadedOrder {
  const id = newUuid();
  return {
    orderId: id,
    claimId: id,
    status: 'AWAITING_PAYMENT',
    seriesId: id,
    roundId: id,
    itemId: id,
    buyerId: 'b_1',
    merchantId: id,
    shopId: id,
    quantity: 2,
    lines: [{ skuId: id, title: 'Bottle', quantity: 2, unitPrice: money(4_950, 'CNY') }],
    total,
    placedAtMs: 1,
    expiresAtMs: 2,
    sequence: 1,
    winLimit: 1,
    checkAttempts: 0,
    refunds: [],
    nowMs: 3,
    intent: { intentId: 'pi_1', provider: 'sandbox', payUrl: 'http://pay', status: 'PENDING' },
  };
}

/** The event of a step; the charge of one id always has the amount it had first, as at a provider. */
function react(order: LoadedOrder, event: Step, amounts: Map<string, bigint>): OrderChange | undefined {
  switch (event.kind) {
    case 'payment': {
      const minor = amounts.get(event.chargeId) ?? (event.exact ? total.minor : total.minor - 1n);
      amounts.set(event.chargeId, minor);
      const charge: Charge = { intentId: 'pi_1', chargeId: event.chargeId, amount: money(minor, 'CNY') };
      const decision = decidePaymentSucceeded(moneyOf(order), charge);
      if (decision.do === 'pay') return pay(order, charge);
      if (decision.do === 'close-and-refund') return closeAndRefund(order, charge);
      if (decision.do === 'refund') return refundCharge(order, charge, decision.reason, decision.moves);
      if (decision.do === 'late')
        return event.freshUnit ? honourLate(order, charge, 'fresh-unit') : refundLate(order, charge, 'sold-out');
      return undefined;
    }
    case 'expiry':
    case 'cancel': {
      if (decideExpiry(order.status, 'unpaid', false).do !== 'close') return undefined;
      return close(order, event.kind === 'expiry' ? 'EXPIRED' : 'CANCELLED_BY_BUYER', 'CANCELLED');
    }
    case 'refunded': {
      const open = order.refunds.filter((refund) => refund.status === 'REQUESTED');
      if (open[0] === undefined) return undefined;
      return finishRefund(order, open[0], 'rf', decideRefundSucceeded(order.status, open.length - 1).moves);
    }
  }
}

/** The order after a change, as the writer would store it. */
function evolve(order: LoadedOrder, change: OrderChange): LoadedOrder {
  const requested = change.refund && {
    refundId: change.refund.refundId,
    intentId: 'pi_1',
    chargeId: change.refund.charge.chargeId,
    amount: change.refund.charge.amount,
    status: 'REQUESTED' as const,
  };
  return {
    ...order,
    status: change.to,
    sequence: order.sequence + change.events.length,
    ...(change.closeReason === undefined ? {} : { closeReason: change.closeReason }),
    ...(change.late === undefined ? {} : { lateDecision: change.late.decision }),
    intent: { ...order.intent!, ...change.intent },
    refunds: [
      ...order.refunds.map((known) =>
        known.refundId === change.refundDone?.refundId ? { ...known, status: 'SUCCEEDED' as const } : known,
      ),
      ...(requested === undefined ? [] : [requested]),
    ],
  };
}

describe('random histories of an order', () => {
  it('keep every promise about units, wins and money', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        let order = placed();
        const units = { held: 2, sold: 0, released: 0 };
        let wins = 1;
        const amounts = new Map<string, bigint>();
        const sequences = [1];
        for (const event of steps) {
          const before = order.status;
          const change = react(order, event, amounts);
          if (change === undefined) continue;
          for (const key of ['held', 'sold', 'released'] as const) units[key] += change.move?.[key] ?? 0;
          wins += change.wins;
          sequences.push(...change.events.map((published) => published.payload.sequence));
          for (const { type, payload } of change.events) expect(validateEvent(type, payload, 'writer')).toBeUndefined();
          order = evolve(order, change);
          if (ORDER_MACHINE.terminal.has(before)) expect(order.status).toBe(before);
          const live = order.status === 'AWAITING_PAYMENT' || order.status === 'PAID';
          expect(units.held).toBe(order.status === 'AWAITING_PAYMENT' ? 2 : 0);
          expect(units.sold).toBe(order.status === 'PAID' ? 2 : 0);
          expect(units.released <= 2).toBe(true);
          expect(wins).toBe(live ? 1 : 0);
          // Every charge is kept or refunded, never both, and at most one is kept.
          const kept = [...amounts.keys()].filter((id) => !order.refunds.some((refund) => refund.chargeId === id));
          expect(kept).toEqual(order.status === 'PAID' ? [order.intent!.chargeId] : []);
          expect(new Set(order.refunds.map((refund) => refund.chargeId)).size).toBe(order.refunds.length);
          for (const refund of order.refunds) expect(refund.amount.minor).toBe(amounts.get(refund.chargeId));
        }
        expect(sequences).toEqual(sequences.map((_, index) => index + 1));
      }),
      { numRuns: 300 },
    );
  });
});
