// Goal: the price history of a SKU is an append-only sequence without gaps after any series of changes.
import fc from 'fast-check';
import { type Currency, ManualClock, money } from '@gravity/kernel';
import { firstPrice, nextPrice, type Price } from './price';

const change = fc.record({
  amount: fc.integer({ min: 0, max: 5 }),
  currency: fc.constantFrom<Currency>('CNY', 'CNY', 'CNY', 'USD'),
  nowMs: fc.integer({ min: 0, max: 100 }),
});

describe('price versions', () => {
  it('count up by one, keep their currency, never take effect before their predecessor', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const history: Price[] = [firstPrice(money(3, 'CNY'), new ManualClock(50))];
        for (const { amount, currency, nowMs } of changes) {
          const current = history.at(-1)!;
          const result = nextPrice(current, money(amount, currency), new ManualClock(nowMs));
          const same = currency === current.amount.currency && BigInt(amount) === current.amount.minor;
          expect(result.ok).toBe(currency === 'CNY' && !same);
          if (result.ok) history.push(result.value);
        }
        history.forEach((price, index) => {
          expect(price.version).toBe(index + 1);
          expect(price.amount.currency).toBe('CNY');
          if (index > 0) expect(price.effectiveAtMs).toBeGreaterThanOrEqual(history[index - 1]!.effectiveAtMs);
        });
      }),
    );
  });

  it('tell which member is refused', () => {
    const current = firstPrice(money(500, 'CNY'), new ManualClock(0));
    const refused = (currency: Currency) => nextPrice(current, money(500, currency), new ManualClock(1));
    expect(refused('CNY')).toMatchObject({ error: { code: 'invalid-request', errors: [{ pointer: '/amount' }] } });
    expect(refused('USD')).toMatchObject({ error: { errors: [{ pointer: '/currency', message: 'must be CNY' }] } });
  });

  it('take effect when they are made', () => {
    const first = firstPrice(money(500, 'CNY'), new ManualClock(50));
    expect(first).toMatchObject({ version: 1, effectiveAtMs: 50 });
    expect(nextPrice(first, money(1, 'CNY'), new ManualClock(70))).toMatchObject({
      value: { version: 2, amount: money(1, 'CNY'), effectiveAtMs: 70 },
    });
  });
});
