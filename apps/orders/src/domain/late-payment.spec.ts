import { type LatePaymentFacts, decideLatePayment } from './late-payment';

const fine: LatePaymentFacts = {
  admitted: true,
  admissionValid: true,
  selling: true,
  roundOpen: true,
  available: 1,
  quantity: 1,
  perBuyerLimit: 1,
  buyerUnits: 0,
  wins: 0,
};

describe('a late payment', () => {
  it('is honoured when a fresh unit is there and every limit allows it', () => {
    expect(decideLatePayment(fine, true)).toEqual({ decision: 'HONOURED', reason: 'fresh-unit' });
  });

  it.each([
    [{ selling: false }, 'sale-stopped'],
    [{ roundOpen: false }, 'round-over'],
    [{ available: 0 }, 'sold-out'],
    [{ buyerUnits: 1 }, 'limit-reached'],
    [{ winLimit: 1, wins: 1 }, 'already-won'],
  ] as const)('with %j is refunded: %s', (facts, reason) => {
    expect(decideLatePayment({ ...fine, ...facts }, true)).toEqual({ decision: 'REFUNDED', reason });
  });

  it('is honoured up to the limits, its own units included', () => {
    const facts = { ...fine, perBuyerLimit: 3, buyerUnits: 1, winLimit: 2, wins: 1, available: 2, quantity: 2 };
    expect(decideLatePayment(facts, false).decision).toBe('HONOURED');
    expect(decideLatePayment({ ...facts, buyerUnits: 2 }, true).reason).toBe('limit-reached');
    expect(decideLatePayment({ ...facts, available: 1 }, true).reason).toBe('sold-out');
    expect(decideLatePayment({ ...facts, wins: 3 }, true).reason).toBe('already-won');
  });

  it('asks again for a unit that Postgres has free, but not for ever', () => {
    const resting = { ...fine, admitted: false };
    expect(decideLatePayment(resting, true)).toEqual({ decision: 'TAKE_AGAIN', reason: 'unit-at-rest' });
    expect(decideLatePayment(resting, false)).toEqual({ decision: 'REFUNDED', reason: 'not-admitted' });
  });

  it('goes back to a gate that was rebuilt in between, but not for ever', () => {
    const stale = { ...fine, admissionValid: false };
    expect(decideLatePayment(stale, true)).toEqual({ decision: 'TAKE_AGAIN', reason: 'stale-admission' });
    expect(decideLatePayment(stale, false)).toEqual({ decision: 'REFUNDED', reason: 'not-admitted' });
  });
});
