// Given / when / then for the intent's state machine, and every token of the README.
import { money } from '@gravity/kernel';
import {
  type Callback,
  type Intent,
  INTENT_MACHINE,
  type ScheduledCharge,
  STALE_CALLBACK_DELAY_MS,
  cancel,
  confirm,
  refund,
  settleCharge,
} from './intent';
import { MAGIC_AMOUNTS, planFor } from './payment-plan';

const NOW = 1_000_000;
const INTENT: Intent = {
  intentId: 'pi_1',
  orderId: 'ord_1',
  amount: money(149_900n, 'CNY'),
  status: 'PENDING',
  expiresAtMs: NOW + 60_000,
  version: 1,
  refundedMinor: 0n,
};
const attempt = { nowMs: NOW, chargeId: 'ch_1' };
const given = (part: Partial<Intent>): Intent => ({ ...INTENT, ...part });
const succeeded: Callback = {
  eventId: 'evt_ch_1_succeeded',
  type: 'payment.succeeded',
  amount: INTENT.amount,
  chargeId: 'ch_1',
  occurredAtMs: NOW,
  dueAtMs: NOW,
};
const PAID = given({ status: 'PAID', version: 2, paid: { amount: INTENT.amount, chargeId: 'ch_1', atMs: NOW } });

function pay(intent: Intent, token: string, nowMs = NOW): ReturnType<typeof confirm> {
  return confirm(intent, planFor(token, intent.amount.minor)!, { ...attempt, nowMs });
}

function changed(
  intent: Intent,
  token: string,
): NonNullable<Extract<ReturnType<typeof confirm>, { ok: true }>['value']> {
  const result = pay(intent, token);
  if (!result.ok || result.value === undefined) throw new Error('no change');
  return result.value;
}

describe('confirming an intent', () => {
  it('approves', () => {
    const { next, callbacks, scheduled } = changed(INTENT, 'tok_approve');
    expect(next).toMatchObject({
      status: 'PAID',
      version: 2,
      paid: { amount: INTENT.amount, chargeId: 'ch_1', atMs: NOW },
    });
    expect(callbacks).toEqual([succeeded]);
    expect(scheduled).toBeUndefined();
  });

  it('declines, and may be tried again', () => {
    const declined = changed(INTENT, 'tok_decline');
    expect(declined.next).toMatchObject({ status: 'DECLINED' });
    expect(declined.next.paid).toBeUndefined();
    expect(declined.callbacks).toEqual([{ ...succeeded, eventId: 'evt_ch_1_failed', type: 'payment.failed' }]);
    expect(changed(declined.next, 'tok_decline').next.status).toBe('DECLINED');
    expect(changed(declined.next, 'tok_approve').next.status).toBe('PAID');
  });

  it.each([
    ['tok_approve_late:30', false],
    ['tok_approve_late_force:30', true],
  ])('plans a later charge for %s', (token, survivesCancellation) => {
    const { next, callbacks, scheduled } = changed(INTENT, token);
    expect([next.status, callbacks]).toEqual(['PROCESSING', []]);
    expect(scheduled).toEqual({
      chargeId: 'ch_1',
      intentId: 'pi_1',
      amount: INTENT.amount,
      dueAtMs: NOW + 30_000,
      survivesCancellation,
    });
  });

  it('owes the same event twice for tok_callback_twice', () => {
    const { callbacks } = changed(INTENT, 'tok_callback_twice');
    expect(callbacks.map((callback) => callback.eventId)).toEqual(['evt_ch_1_succeeded', 'evt_ch_1_succeeded']);
  });

  it('owes a stale failure after the success for tok_callbacks_out_of_order', () => {
    const { next, callbacks } = changed(INTENT, 'tok_callbacks_out_of_order');
    expect(next.status).toBe('PAID');
    expect(callbacks.map((callback) => callback.type)).toEqual(['payment.succeeded', 'payment.failed']);
    expect(callbacks[1]).toMatchObject({ occurredAtMs: NOW - 1, dueAtMs: NOW + STALE_CALLBACK_DELAY_MS });
  });

  it('owes nothing for tok_callback_lost and later for tok_callback_late', () => {
    expect(changed(INTENT, 'tok_callback_lost')).toMatchObject({ next: { status: 'PAID' }, callbacks: [] });
    expect(changed(INTENT, 'tok_callback_late:7').callbacks).toMatchObject([
      { dueAtMs: NOW + 7_000, occurredAtMs: NOW },
    ]);
  });

  it.each([
    [149_900n, 149_899n],
    [1n, 2n],
  ])('charges %p as %p for tok_wrong_amount', (asked, charged) => {
    const { next, callbacks } = changed(given({ amount: money(asked, 'CNY') }), 'tok_wrong_amount');
    expect(next.paid?.amount.minor).toBe(charged);
    expect(callbacks[0]!.amount.minor).toBe(charged);
  });

  it('never pays twice', () => {
    expect(pay(PAID, 'tok_approve')).toEqual({ ok: true, value: undefined });
    expect(pay(given({ status: 'PROCESSING' }), 'tok_approve')).toEqual({ ok: true, value: undefined });
  });

  it('is refused once cancelled or expired', () => {
    expect(pay(given({ status: 'CANCELLED' }), 'tok_approve')).toEqual({ ok: false, error: 'cancelled' });
    expect(pay(INTENT, 'tok_approve', INTENT.expiresAtMs - 1).ok).toBe(true);
    expect(pay(INTENT, 'tok_approve', INTENT.expiresAtMs)).toEqual({ ok: false, error: 'expired' });
  });
});

describe('a charge that falls due', () => {
  const charge = (survivesCancellation: boolean): ScheduledCharge => ({
    chargeId: 'ch_1',
    intentId: 'pi_1',
    amount: INTENT.amount,
    survivesCancellation,
    dueAtMs: NOW,
  });

  it.each([
    ['PROCESSING', false, 'PAID'],
    ['PROCESSING', true, 'PAID'],
    ['CANCELLED', true, 'PAID'],
    ['CANCELLED', false, undefined],
    ['PAID', true, undefined],
  ] as const)('on %s, surviving cancellation %p, gives %p', (status, survives, expected) => {
    const change = settleCharge(given({ status }), charge(survives), NOW);
    expect(change?.next.status).toBe(expected);
    expect(change?.callbacks.length ?? 0).toBe(expected === undefined ? 0 : 1);
  });

  it('pays the intent with what was charged, when it was charged', () => {
    const late = { ...charge(false), amount: money(7n, 'CNY') };
    expect(settleCharge(given({ status: 'PROCESSING' }), late, NOW + 9)).toEqual({
      next: given({ status: 'PAID', version: 2, paid: { amount: late.amount, chargeId: 'ch_1', atMs: NOW + 9 } }),
      callbacks: [{ ...succeeded, amount: late.amount, occurredAtMs: NOW + 9, dueAtMs: NOW + 9 }],
    });
  });

  it('is made even after the intent expired', () => {
    expect(settleCharge(given({ status: 'PROCESSING' }), charge(false), INTENT.expiresAtMs + 1)?.next.status).toBe(
      'PAID',
    );
  });
});

describe('cancelling an intent', () => {
  it.each(['PENDING', 'PROCESSING', 'DECLINED'] as const)('closes %s', (status) => {
    expect(cancel(given({ status }))).toMatchObject({ next: { status: 'CANCELLED' }, callbacks: [] });
  });

  it('changes nothing when it is closed or paid', () => {
    expect(cancel(given({ status: 'CANCELLED' }))).toBeUndefined();
    expect(cancel(PAID)).toBeUndefined();
  });

  it('takes no step that the machine does not have', () => {
    expect(() => cancel(given({ status: 'LOST' as never }))).toThrow('intent pi_1: LOST does not lead to CANCELLED');
  });
});

describe('refunding', () => {
  const back = (intent: Intent, minor: bigint, currency: 'CNY' | 'USD' = 'CNY'): ReturnType<typeof refund> =>
    refund(intent, { amount: money(minor, currency), refundId: 're_1', nowMs: NOW });

  it('gives back up to what was paid, over all refunds together', () => {
    const first = back(PAID, 100_000n);
    expect(first).toMatchObject({ ok: true, value: { next: { refundedMinor: 100_000n, status: 'PAID', version: 3 } } });
    if (!first.ok) return;
    expect(first.value.callbacks).toEqual([
      {
        ...succeeded,
        eventId: 'evt_re_1',
        type: 'refund.succeeded',
        amount: money(100_000n, 'CNY'),
        refundId: 're_1',
      },
    ]);
    expect(back(first.value.next, 49_901n)).toEqual({ ok: false, error: 'more-than-paid' });
    expect(back(first.value.next, 49_900n).ok).toBe(true);
  });

  it('is refused when nothing was paid or in another currency', () => {
    expect(back(INTENT, 1n)).toEqual({ ok: false, error: 'not-paid' });
    expect(back(PAID, 1n, 'USD')).toEqual({ ok: false, error: 'wrong-currency' });
  });
});

describe('payment tokens', () => {
  it.each(Object.entries(MAGIC_AMOUNTS))('an amount ending in %s behaves like %s', (digits, token) => {
    const minor = 149_900n + BigInt(digits);
    expect(planFor('tok_by_amount', minor)).toEqual(planFor(token, minor));
    expect(planFor(token, minor)).toBeDefined();
  });

  it('leaves every other amount approved', () => {
    for (const minor of [1n, 99n, 100n, 149_999n])
      expect(planFor('tok_by_amount', minor)).toEqual(planFor('tok_approve', minor));
  });

  it.each([
    '',
    'tok',
    'toString',
    'tok_approve:5',
    'tok_approve_late',
    'tok_approve_late:',
    'tok_approve_late:-1',
    'tok_approve_late:1.5',
    'tok_approve_late:99999',
    'tok_approve_late:1:2',
    'constructor:1',
  ])('does not know %j', (token) => {
    expect(planFor(token, 100n)).toBeUndefined();
  });
});

it.each([
  ['PENDING', ['PROCESSING', 'PAID', 'DECLINED', 'CANCELLED']],
  ['PROCESSING', ['PAID', 'CANCELLED']],
  ['DECLINED', ['PROCESSING', 'PAID', 'DECLINED', 'CANCELLED']],
  ['CANCELLED', ['PAID']],
  ['PAID', []],
] as const)('an intent in %s may go to %j', (status, next) => {
  expect(INTENT_MACHINE.next(status)).toEqual(next);
  expect([INTENT_MACHINE.name, INTENT_MACHINE.initial]).toEqual(['payment-intent', 'PENDING']);
});

it('draws the machine with PAID as its only end', () => {
  expect([...INTENT_MACHINE.terminal]).toEqual(['PAID']);
  expect(INTENT_MACHINE.sources('PAID')).toEqual(['PENDING', 'PROCESSING', 'DECLINED', 'CANCELLED']);
});
