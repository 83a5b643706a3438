// Goal: each token of the README stands for one course of a payment, and every other text for none.
import { MAGIC_AMOUNTS, DELAY_SECONDS_MAX, type PaymentPlan, planFor, TOKEN_BY_AMOUNT } from './payment-plan';

const approved: PaymentPlan = {
  outcome: 'approve',
  chargeDelayMs: 0,
  survivesCancellation: false,
  callbacks: 'once',
  callbackDelayMs: 0,
  wrongAmount: false,
  answer: 'result',
};
const courses: readonly [token: string, difference: Partial<PaymentPlan>, digits?: string][] = [
  ['tok_approve', {}],
  ['tok_decline', { outcome: 'decline' }, '81'],
  ['tok_approve_late:5', { chargeDelayMs: 5_000 }, '82'],
  ['tok_approve_late_force:5', { chargeDelayMs: 5_000, survivesCancellation: true }, '83'],
  ['tok_callback_twice', { callbacks: 'twice' }, '84'],
  ['tok_callbacks_out_of_order', { callbacks: 'stale-failure-after' }, '85'],
  ['tok_callback_lost', { callbacks: 'none' }, '86'],
  ['tok_callback_late:5', { callbackDelayMs: 5_000 }, '87'],
  ['tok_unknown', { answer: 'unknown' }, '88'],
  ['tok_wrong_amount', { wrongAmount: true }, '89'],
];

describe('a payment token', () => {
  it.each(courses)('%s differs from an approval in %j', (token, difference) => {
    expect(planFor(token, 100n)).toEqual({ ...approved, ...difference });
  });

  it.each(courses.filter(([, , digits]) => digits !== undefined))(
    '%s is also what an amount can ask for',
    (_token, difference, digits) => {
      for (const hundreds of [0n, 100n, 149_900n]) {
        expect(planFor(TOKEN_BY_AMOUNT, hundreds + BigInt(digits!))).toEqual({ ...approved, ...difference });
      }
    },
  );

  it('is an approval for all other amounts', () => {
    const asking = Array.from({ length: 100 }, (_, digits) => digits).filter((digits) => {
      const plan = planFor('tok_by_amount', 5_000n + BigInt(digits));
      return JSON.stringify(plan) !== JSON.stringify(approved);
    });
    expect(asking).toEqual([81, 82, 83, 84, 85, 86, 87, 88, 89]);
    expect(Object.keys(MAGIC_AMOUNTS).map(Number)).toEqual(asking);
  });

  it('may ask for delays from none to a day', () => {
    expect(DELAY_SECONDS_MAX).toBe(86_400);
    expect(planFor('tok_approve_late:0', 1n)).toEqual(approved);
    expect(planFor('tok_callback_late:86400', 1n)?.callbackDelayMs).toBe(86_400_000);
    expect(planFor('tok_callback_late:86401', 1n)).toBeUndefined();
  });

  it.each([
    'tok_approve_late:123456',
    'tok_approve_late:5s',
    'tok_approve_late:s5',
    'tok_approve_late:5:',
    'tok_nothing:5',
    ':5',
  ])('is unknown as %j', (token) => {
    expect(planFor(token, 1n)).toBeUndefined();
  });
});
