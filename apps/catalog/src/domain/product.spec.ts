// Goal: what the catalogue refuses it refuses with the reason that a seller is told.
import { money } from '@gravity/kernel';
import { checkListable, checkNewSkus, firstPrice, MAX_SKUS_PER_PRODUCT, nextPrice } from './product';

describe('a price', () => {
  const first = firstPrice('p1', money(500, 'CNY'), 1_000);

  it('begins as version one', () => {
    expect(first).toEqual({ id: 'p1', version: 1, amount: money(500, 'CNY'), effectiveAtMs: 1_000 });
  });

  it('takes effect now, and never before the one that it replaces', () => {
    const later = { id: 'p2', version: 2, amount: money(499, 'CNY') };
    expect(nextPrice(first, 'p2', money(499, 'CNY'), 1_500)).toEqual({
      ok: true,
      value: { ...later, effectiveAtMs: 1_500 },
    });
    expect(nextPrice(first, 'p2', money(499, 'CNY'), 900)).toEqual({
      ok: true,
      value: { ...later, effectiveAtMs: 1_000 },
    });
  });

  it('is refused when it changes nothing, or the currency', () => {
    expect(nextPrice(first, 'p2', money(500, 'CNY'), 1_500)).toEqual({ ok: false, error: { kind: 'same-price' } });
    expect(nextPrice(first, 'p2', money(500, 'USD'), 1_500)).toEqual({
      ok: false,
      error: { kind: 'other-currency', currency: 'CNY' },
    });
  });
});

describe('the SKUs of a product', () => {
  it('are at most a hundred', () => {
    expect(MAX_SKUS_PER_PRODUCT).toBe(100);
    expect(checkNewSkus(98, ['a', 'b'])).toEqual({ ok: true, value: undefined });
    expect(checkNewSkus(99, ['a', 'b'])).toEqual({ ok: false, error: { kind: 'too-many-skus' } });
  });

  it('have codes of their own', () => {
    expect(checkNewSkus(0, ['a', 'b', 'c', 'b'])).toEqual({ ok: false, error: { kind: 'duplicate-code', code: 'b' } });
  });

  it('are needed before the product is listed', () => {
    expect(checkListable(0)).toEqual({ ok: false, error: { kind: 'no-skus' } });
    expect(checkListable(1)).toEqual({ ok: true, value: undefined });
  });
});
