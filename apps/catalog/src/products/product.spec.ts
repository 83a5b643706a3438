// Goal: a refusal of the catalogue names its reason, and a change is recorded.
import { ManualClock, money, parseCode } from '@gravity/kernel';
import { Product, SKUS_PER_PRODUCT_MAX } from './product';
import type { NewSku } from './sku';

const clock = new ManualClock(Date.UTC(2026, 10, 20, 12));
const shop = { id: '01920000-0000-7000-8000-000000000001', merchantId: '01920000-0000-7000-8000-000000000002' };
const sku = (code: string): NewSku => ({ code: parseCode(code)!, title: code, price: money(500, 'CNY') });

function create(codes: readonly string[]) {
  return Product.create(shop, { title: '飞天茅台酒', skus: codes.map(sku) }, clock);
}

function made(...codes: string[]): Product {
  const product = create(codes);
  if (!product.ok) throw new Error(product.error.detail);
  return product.value;
}

const recorded = (product: Product): string[] =>
  [...product.takeEvents(), ...product.skus.flatMap((one) => one.takeEvents())].map(({ type }) => type);

describe('a product', () => {
  it('begins unlisted, as version one, and tells of itself and each SKU', () => {
    const product = made('a', 'b');
    expect([product.facts.listed, product.version, product.isNew]).toEqual([false, 1, true]);
    expect(product.facts).toMatchObject({
      shopId: shop.id,
      merchantId: shop.merchantId,
      description: '',
      attributes: {},
    });
    expect(product.facts.createdAtMs).toBe(clock.nowMs());
    expect(recorded(product)).toEqual(['catalog.product.created.v1', 'catalog.sku.added.v1', 'catalog.sku.added.v1']);
  });

  it('is stored with its SKUs as they are', () => {
    const product = made('a');
    const stored = Product.of(product.facts, product.skus);
    expect([stored.isNew, stored.isChanged, stored.skus]).toEqual([false, false, product.skus]);
  });

  it('is listed with its SKUs, and told of once', () => {
    const product = made('a', 'b');
    recorded(product);
    expect(product.list(clock).ok).toBe(true);
    expect(product.list(clock).ok).toBe(true);
    expect([product.version, ...product.skus.map(({ facts }) => facts.listed)]).toEqual([2, true, true]);
    expect(recorded(product)).toEqual(['catalog.sku.listed.v1', 'catalog.sku.listed.v1']);
    product.delist(clock);
    expect(recorded(product)).toEqual(['catalog.sku.delisted.v1', 'catalog.sku.delisted.v1']);
  });

  it('has something to sell before it is listed', () => {
    const empty = made();
    expect(empty.list(clock)).toMatchObject({ ok: false, error: { code: 'not-sellable' } });
    expect([empty.facts.listed, empty.version]).toEqual([false, 1]);
  });

  it('takes SKUs that are listed when it is', () => {
    const product = made('a');
    product.list(clock);
    expect(product.addSkus([sku('b')], clock).ok).toBe(true);
    expect([product.version, product.skus.at(-1)!.facts.listed]).toEqual([3, true]);
  });

  it('has at most a hundred SKUs', () => {
    const codes = Array.from({ length: SKUS_PER_PRODUCT_MAX }, (_, index) => `s${index}`);
    expect(SKUS_PER_PRODUCT_MAX).toBe(100);
    const full = made(...codes);
    expect(full.addSkus([sku('more')], clock)).toMatchObject({ error: { code: 'invalid-request' } });
    expect([full.version, full.skus.length]).toEqual([1, SKUS_PER_PRODUCT_MAX]);
    expect(create([...codes, 'more'])).toMatchObject({ error: { code: 'invalid-request' } });
  });

  it.each([
    ['SKU1', 'SKU1'],
    ['SKU1', 'sku1 '],
    ['Caf\u00e9', 'Cafe\u0301'],
    ['K9', 'Ｋ９'],
  ])('refuses the codes %j and %j together', (one, other) => {
    expect(create(['x', one, other])).toMatchObject({ error: { code: 'duplicate-sku' } });
  });
});
