// Goal: a SKU counts its changes, and each change is one event that carries the SKU as it is afterwards.
import { ManualClock, money, parseCode } from '@gravity/kernel';
import type { ProductFacts } from './product';
import { Sku } from './sku';

const clock = new ManualClock(Date.UTC(2026, 10, 20, 12));
const product: ProductFacts = {
  id: '01920000-0000-7000-8000-000000000001',
  shopId: '01920000-0000-7000-8000-000000000002',
  merchantId: '01920000-0000-7000-8000-000000000003',
  title: '飞天茅台酒',
  description: '',
  attributes: {},
  listed: false,
  version: 1,
  createdAtMs: 0,
};

const added = (of: ProductFacts = product): Sku =>
  Sku.add(of, { code: parseCode(' K9 ')!, title: '500ml', price: money(500, 'CNY') }, clock);

const told = (sku: Sku) =>
  sku.takeEvents().map(({ type, payload }) => {
    const { sequence, price, listed } = payload as { sequence: number; price: { amount: number }; listed: boolean };
    return [type, sequence, price.amount, listed];
  });

describe('a SKU', () => {
  it('joins a product as its first version, with the owner, the listing and the first price', () => {
    const sku = added();
    expect(sku.facts).toMatchObject({
      productId: product.id,
      shopId: product.shopId,
      merchantId: product.merchantId,
      title: '500ml',
      attributes: {},
      listed: false,
      version: 1,
      price: { version: 1, amount: money(500, 'CNY'), effectiveAtMs: clock.nowMs() },
    });
    expect(told(sku)).toEqual([['catalog.sku.added.v1', 1, 500, false]]);
    expect(added({ ...product, listed: true }).facts.listed).toBe(true);
  });

  it('gets a new price version, and keeps its own version when the price is refused', () => {
    const sku = added();
    told(sku);
    expect(sku.setPrice(money(499, 'CNY'), clock)).toEqual({ ok: true, value: undefined });
    expect(sku.facts).toMatchObject({ version: 2, price: { version: 2, amount: money(499, 'CNY') } });
    expect(sku.setPrice(money(499, 'CNY'), clock)).toMatchObject({ ok: false, error: { code: 'invalid-request' } });
    expect(sku.version).toBe(2);
    expect(told(sku)).toEqual([['catalog.sku.priced.v1', 2, 499, false]]);
  });

  it('is listed and delisted, each once', () => {
    const sku = added();
    told(sku);
    for (const listed of [false, true, true, false]) sku.setListed(listed, clock);
    expect([sku.facts.listed, sku.version]).toEqual([false, 3]);
    expect(told(sku)).toEqual([
      ['catalog.sku.listed.v1', 2, 500, true],
      ['catalog.sku.delisted.v1', 3, 500, false],
    ]);
  });

  it('is new until it is stored, and changed when its version has moved since', () => {
    const sku = added();
    expect([sku.isNew, sku.isChanged]).toEqual([true, false]);
    const stored = Sku.of(sku.facts);
    expect([stored.isNew, stored.isChanged, stored.takeEvents()]).toEqual([false, false, []]);
    stored.setListed(true, clock);
    expect(stored.isChanged).toBe(true);
  });
});
