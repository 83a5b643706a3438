// Goal: the price history of a SKU is an append-only sequence without gaps whatever is asked of it.
import fc from 'fast-check';
import { type Currency, money } from '@gravity/kernel';
import { MAX_SKUS_PER_PRODUCT, type PriceVersion, checkListable, checkNewSkus, firstPrice, nextPrice } from './product';

const change = fc.record({
  amount: fc.integer({ min: 0, max: 5 }),
  currency: fc.constantFrom<Currency>('CNY', 'CNY', 'CNY', 'USD'),
  nowMs: fc.integer({ min: 0, max: 100 }),
});

describe('price versions', () => {
  it('count up by one, keep their currency, never take effect before their predecessor', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const history: PriceVersion[] = [firstPrice('p1', money(3, 'CNY'), 50)];
        for (const { amount, currency, nowMs } of changes) {
          const current = history.at(-1)!;
          const result = nextPrice(current, `p${history.length + 1}`, money(amount, currency), nowMs);
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
});

describe('checkNewSkus', () => {
  it('accepts exactly the lists without repetition within the limit', () => {
    const codes = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 5 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_SKUS_PER_PRODUCT }), codes, (existing, list) => {
        const fits = existing + list.length <= MAX_SKUS_PER_PRODUCT && new Set(list).size === list.length;
        expect(checkNewSkus(existing, list).ok).toBe(fits);
      }),
    );
  });

  it('an empty product cannot be listed', () => {
    expect(checkListable(0)).toEqual({ ok: false, error: { kind: 'no-skus' } });
    expect(checkListable(1).ok).toBe(true);
  });
});
