import { Harness, buyer, callerWith, operator, refusal, value } from '../../../test/harness';

const sku = (code: string) => ({ code, title: `蓝色 ${code}`, price: { amount: 5, currency: 'CNY' as const } });

describe('addSkus', () => {
  let catalog: Harness;
  beforeAll(async () => (catalog = await Harness.start('add-skus')));
  afterAll(() => catalog.close());

  it('adds to an unlisted product unlisted, to a listed one listed', async () => {
    const hidden = await catalog.product();
    const listed = await catalog.product({ listed: true });
    for (const [product, isListed] of [
      [hidden, false],
      [listed, true],
    ] as const) {
      const changed = value(
        await catalog.tx((tx) => catalog.addSkus.execute(tx, operator, product.id, { skus: [sku(product.id)] })),
      );
      expect(changed.version).toBe(product.version + 1);
      const added = changed.skus.at(-1)!;
      expect(added.listed).toBe(isListed);
      expect((await catalog.eventsOf(added.id)).map((event) => [event.type, event.payload['listed']])).toEqual([
        ['catalog.sku.added.v1', isListed],
      ]);
      expect(value(await catalog.getSku.execute(operator, added.id)).title).toContain('蓝色');
    }
  });

  it('makes the product findable by the new SKU', async () => {
    const product = await catalog.product({ listed: true });
    const find = async () =>
      value(await catalog.findProducts.execute(buyer, { q: 'XYZ-77', limit: 10 }, (found) => found.id)).items;
    expect(await find()).toEqual([]);
    await catalog.tx((tx) => catalog.addSkus.execute(tx, operator, product.id, { skus: [sku('XYZ-77')] }));
    expect(await find()).toHaveLength(1);
  });

  it("refuses somebody else's product and a code in use", async () => {
    const product = await catalog.product({ codes: ['USED'] });
    const stranger = callerWith('merchant', (await catalog.merchant()).id);
    const add = (caller: typeof stranger, code: string) =>
      catalog.tx((tx) => catalog.addSkus.execute(tx, caller, product.id, { skus: [sku(code)] }));
    expect(refusal(await add(stranger, 'NEW'))).toBe('not-found');
    expect(refusal(await add(operator, 'USED'))).toBe('duplicate-sku');
  });
});
