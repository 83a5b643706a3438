import { money } from '@gravity/kernel';
import {
  ORDER_MACHINE,
  type OrderMoney,
  type OrderStatus,
  decideCancellation,
  decideExpiry,
  decidePaymentFailed,
  decidePaymentSucceeded,
  decideRefundSucceeded,
  isFree,
} from './order';

const total = money(9_900, 'CNY');
const given = (status: OrderStatus, chargeId?: string, refunded: string[] = []): OrderMoney => ({
  status,
  total,
  ...(chargeId === undefined ? {} : { chargeId }),
  refundedCharges: new Set(refunded),
});
const charge = (chargeId: string, minor = 9_900) => ({ chargeId, amount: money(minor, 'CNY') });

describe('the order state machine', () => {
  it('ends in PAID or REFUNDED', () => {
    expect([...ORDER_MACHINE.terminal].sort()).toEqual(['PAID', 'REFUNDED']);
  });

  it.each<[OrderStatus, readonly OrderStatus[]]>([
    ['AWAITING_PAYMENT', ['PAID', 'CLOSED']],
    ['PAID', []],
    ['CLOSED', ['PAID', 'REFUNDING']],
    ['REFUNDING', ['REFUNDED']],
    ['REFUNDED', []],
  ])('leads from %s to %j', (status, next) => {
    expect(ORDER_MACHINE.next(status)).toEqual(next);
    expect(ORDER_MACHINE.initial).toBe('AWAITING_PAYMENT');
  });

  it('reaches REFUNDING only through CLOSED, so units are released first', () => {
    expect(ORDER_MACHINE.sources('REFUNDING')).toEqual(['CLOSED']);
  });
});

describe('a payment success', () => {
  it('pays an order that awaits payment', () => {
    expect(decidePaymentSucceeded(given('AWAITING_PAYMENT'), charge('c1'))).toEqual({ do: 'pay' });
  });

  it('closes and refunds when the amount or the currency is another one', () => {
    const refunding = { do: 'close-and-refund', reason: 'DISCREPANCY' };
    expect(decidePaymentSucceeded(given('AWAITING_PAYMENT'), charge('c1', 9_899))).toEqual(refunding);
    const dollars = { chargeId: 'c1', amount: money(9_900, 'USD') };
    expect(decidePaymentSucceeded(given('AWAITING_PAYMENT'), dollars)).toEqual(refunding);
  });

  it.each<OrderStatus>(['PAID', 'REFUNDING', 'REFUNDED'])('does nothing a second time in %s', (status) => {
    expect(decidePaymentSucceeded(given(status, 'c1'), charge('c1'))).toEqual({ do: 'nothing' });
  });

  it.each<OrderStatus>(['PAID', 'REFUNDING', 'REFUNDED'])(
    'gives a second charge back in %s and leaves the order',
    (status) => {
      const decision = decidePaymentSucceeded(given(status, 'c1'), charge('c2'));
      expect(decision).toEqual({ do: 'refund', reason: 'DUPLICATE_PAYMENT', moves: false });
    },
  );

  it('does nothing for a second charge whose refund is under way', () => {
    expect(decidePaymentSucceeded(given('PAID', 'c1', ['c2']), charge('c2'))).toEqual({ do: 'nothing' });
  });

  it('is late for a closed order', () => {
    expect(decidePaymentSucceeded(given('CLOSED'), charge('c1'))).toEqual({ do: 'late' });
  });

  it('is given back when it is late and of the wrong amount', () => {
    const decision = decidePaymentSucceeded(given('CLOSED'), charge('c1', 1));
    expect(decision).toEqual({ do: 'refund', reason: 'DISCREPANCY', moves: true });
  });
});

describe('a payment failure', () => {
  it.each<OrderStatus>(['PAID', 'CLOSED', 'REFUNDING', 'REFUNDED'])('changes nothing in %s', (status) => {
    expect(decidePaymentFailed({ status })).toEqual({ do: 'nothing' });
  });

  it('is noted while the order awaits payment, and does not close it', () => {
    expect(decidePaymentFailed({ status: 'AWAITING_PAYMENT' })).toEqual({ do: 'note' });
  });
});

describe('an expiry', () => {
  it.each([
    ['no-intent', true, 'close'],
    ['unpaid', true, 'close'],
    ['paid', true, 'settle-payment'],
    ['unknown', true, 'ask-again'],
    ['unknown', false, 'close'],
    ['paid', false, 'settle-payment'],
  ] as const)('with the answer %s (may ask again: %s) does %s', (answer, mayAskAgain, expected) => {
    expect(decideExpiry('AWAITING_PAYMENT', answer, mayAskAgain)).toEqual({ do: expected });
  });

  it.each<OrderStatus>(['PAID', 'CLOSED', 'REFUNDING', 'REFUNDED'])('leaves a %s order alone', (status) => {
    expect(decideExpiry(status, 'unpaid', false)).toEqual({ do: 'nothing' });
  });
});

describe('a cancellation by the buyer', () => {
  it.each([
    ['no-intent', 'close'],
    ['unpaid', 'close'],
    ['paid', 'settle-payment'],
    ['unknown', 'retry-later'],
  ] as const)('with the answer %s does %s', (answer, expected) => {
    expect(decideCancellation('AWAITING_PAYMENT', answer)).toEqual({ do: expected });
  });

  it.each<OrderStatus>(['PAID', 'CLOSED', 'REFUNDING', 'REFUNDED'])('is refused in %s', (status) => {
    expect(decideCancellation(status, 'no-intent')).toEqual({ do: 'refuse' });
  });
});

describe('a refund that went through', () => {
  it('ends the order when no other refund is open', () => {
    expect(decideRefundSucceeded('REFUNDING', 0)).toEqual({ moves: true });
    expect(decideRefundSucceeded('REFUNDING', 1)).toEqual({ moves: false });
    expect(decideRefundSucceeded('PAID', 0)).toEqual({ moves: false });
  });
});

describe('an order that costs nothing', () => {
  it.each<[OrderStatus, number, boolean]>([
    ['AWAITING_PAYMENT', 0, true],
    ['AWAITING_PAYMENT', 1, false],
    ['PAID', 0, false],
    ['CLOSED', 0, false],
  ])('%s with a total of %i is paid without a provider: %s', (status, minor, free) => {
    expect(isFree({ status, total: money(minor, 'JPY') })).toBe(free);
  });
});
