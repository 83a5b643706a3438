import { Harness, buyer, callerWith, operator, refusal, sku, value } from '../../test/harness';

const blue = (code: string) => sku(code, `蓝色 ${code}`);

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
      const changed = value(await catalog.addSkus(operator, product.id, [blue(product.id)]));
      expect(changed.version).toBe(product.version + 1);
      const added = changed.skus.at(-1)!;
      expect(added.listed).toBe(isListed);
      expect((await catalog.eventsOf(added.id)).map((event) => [event.type, event.payload['listed']])).toEqual([
        ['catalog.sku.added.v1', isListed],
      ]);
      expect(value(await catalog.getSku(operator, added.id)).title).toContain('蓝色');
    }
  });

  it('makes the product findable by the new SKU', async () => {
    const product = await catalog.product({ listed: true });
    const find = async () => value(await catalog.findProducts(buyer, { q: 'XYZ-77' })).items;
    expect(await find()).toEqual([]);
    await catalog.addSkus(operator, product.id, [blue('XYZ-77')]);
    expect(await find()).toHaveLength(1);
  });

  it('refuses the product of another merchant and a code in use', async () => {
    const product = await catalog.product({ codes: ['USED'] });
    const stranger = callerWith('merchant', (await catalog.merchant()).id);
    const add = (caller: typeof stranger, code: string) => catalog.addSkus(caller, product.id, [blue(code)]);
    expect(refusal(await add(stranger, 'NEW'))).toBe('not-found');
    expect(refusal(await add(operator, 'USED'))).toBe('duplicate-sku');
  });
});
