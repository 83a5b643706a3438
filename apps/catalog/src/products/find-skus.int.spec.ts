import { Harness, buyer, callerWith, operator, refusal, value } from '../../test/harness';
import type { FindSkusQuery } from './products.dto';

describe('findSkus', () => {
  let catalog: Harness;
  beforeAll(async () => (catalog = await Harness.start('find-skus')));
  afterAll(() => catalog.close());

  const find = (caller: typeof operator, filter: Partial<FindSkusQuery>) => catalog.findSkus(caller, filter);
  const codes = async (caller: typeof operator, filter: Partial<FindSkusQuery>) =>
    value(await find(caller, filter))
      .items.map((sku) => sku.code)
      .sort();

  it('filters by shop, merchant, product, listing and attributes, and shows to each caller what it may see', async () => {
    const shop = await catalog.shop();
    const hidden = await catalog.product({ shopId: shop.id, codes: ['H'] });
    await catalog.product({ shopId: shop.id, codes: ['V1', 'V2'], listed: true });
    const red = {
      code: 'RED',
      title: 'r',
      attributes: { colour: 'red', size: 'L:XL' },
      price: { amount: 1, currency: 'CNY' as const },
    };
    await catalog.addSkus(operator, hidden.id, [red]);
    const own = callerWith('merchant', shop.merchantId);
    expect(await codes(operator, { shopId: shop.id })).toEqual(['H', 'RED', 'V1', 'V2']);
    expect(await codes(own, { merchantId: shop.merchantId })).toEqual(['H', 'RED', 'V1', 'V2']);
    expect(await codes(buyer, { shopId: shop.id })).toEqual(['V1', 'V2']);
    expect(await codes(buyer, { shopId: shop.id, listed: false })).toEqual([]);
    expect(await codes(operator, { shopId: shop.id, listed: false })).toEqual(['H', 'RED']);
    expect(await codes(operator, { productId: hidden.id })).toEqual(['H', 'RED']);
    expect(await codes(own, { attribute: ['colour:red', 'size:L:XL'] })).toEqual(['RED']);
    expect(await codes(own, { attribute: ['colour:red', 'size:S'] })).toEqual([]);
  });

  it('refuses a cursor that it has not given out', async () => {
    expect(refusal(await find(operator, { cursor: 'e30.xx' }))).toBe('invalid-cursor');
  });
});
