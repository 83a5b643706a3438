import { SKUS_PER_PRODUCT_MAX } from './product';
import { Harness, buyer, callerWith, operator, refusal, value } from '../../test/harness';

const price = { amount: 149900, currency: 'CNY' as const };

describe('createProduct', () => {
  let catalog: Harness;
  beforeAll(async () => (catalog = await Harness.start('create-product')));
  afterAll(() => catalog.close());

  it('stores product, SKUs, first prices and all their events in one transaction', async () => {
    const shop = await catalog.shop();
    const body = {
      shopId: shop.id,
      title: '飞天茅台酒',
      description: '酱香型',
      attributes: { brand: '茅台' },
      skus: [{ code: 'MT-500', title: '500ml', attributes: { volume: '500ml' }, price }],
    };
    const product = value(await catalog.create(operator, body));
    expect(product).toMatchObject({
      listed: false,
      version: 1,
      merchantId: shop.merchantId,
      attributes: { brand: '茅台' },
    });
    const sku = product.skus[0]!;
    expect(sku).toMatchObject({ code: 'MT-500', price, priceVersion: 1, listed: false, version: 1 });
    expect((await catalog.eventsOf(product.id)).map((event) => event.type)).toEqual(['catalog.product.created.v1']);
    const [added] = await catalog.eventsOf(sku.id);
    expect(added).toMatchObject({
      type: 'catalog.sku.added.v1',
      payload: { sequence: 1, skuId: sku.id, price, priceVersionId: sku.priceVersionId, listed: false, title: '500ml' },
    });
    const read = value(await catalog.getProduct(operator, product.id));
    expect([read.title, read.description, read.skus.length]).toEqual(['飞天茅台酒', '酱香型', 1]);
    expect(refusal(await catalog.getProduct(buyer, product.id))).toBe('not-found');
  });

  it('refuses a code that the merchant uses already, and leaves nothing behind', async () => {
    const shop = await catalog.shop();
    await catalog.product({ shopId: shop.id, codes: ['A'] });
    const before = await catalog.eventCount();
    const create = (codes: string[]) => {
      const skus = codes.map((code) => ({ code, title: code, price }));
      return catalog.create(operator, { shopId: shop.id, title: 't', skus });
    };
    expect(refusal(await create(['B', 'A']))).toBe('duplicate-sku');
    expect(refusal(await create(['C', 'C']))).toBe('duplicate-sku');
    expect(refusal(await create(Array.from({ length: SKUS_PER_PRODUCT_MAX + 1 }, (_, n) => `n${n}`)))).toBe(
      'invalid-request',
    );
    expect(await catalog.eventCount()).toBe(before);
    await catalog.product({ codes: ['A'] });
  });

  it('gives one code to one of many who ask at the same time', async () => {
    const shop = await catalog.shop();
    const body = { shopId: shop.id, title: 't', skus: [{ code: 'RACE', title: 't', price }] };
    const results = await Promise.all(Array.from({ length: 6 }, () => catalog.create(operator, body)));
    expect(results.filter((result) => result.ok)).toHaveLength(1);
    expect(new Set(results.filter((result) => !result.ok).map(refusal))).toEqual(new Set(['duplicate-sku']));
  });

  it('does not open in the shop of another merchant', async () => {
    const [own, foreign] = [await catalog.merchant(), await catalog.shop()];
    const body = { shopId: foreign.id, title: 't' };
    const caller = callerWith('merchant', own.id);
    expect(refusal(await catalog.create(caller, body))).toBe('not-found');
  });
});
