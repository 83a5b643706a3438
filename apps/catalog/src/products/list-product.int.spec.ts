import { Harness, buyer, callerWith, operator, refusal, value } from '../../test/harness';

describe('listProduct', () => {
  let catalog: Harness;
  beforeAll(async () => (catalog = await Harness.start('list-product')));
  afterAll(() => catalog.close());

  it('lists every SKU, tells of each, and shows the product to buyers', async () => {
    const product = await catalog.product({ codes: ['L1', 'L2'] });
    expect(refusal(await catalog.getSku(buyer, product.skus[0]!.id))).toBe('not-found');
    const listed = value(await catalog.setListed(operator, product.id, 1, true));
    expect([listed.listed, listed.version, ...listed.skus.map((sku) => sku.listed)]).toEqual([true, 2, true, true]);
    for (const sku of listed.skus) {
      const events = await catalog.eventsOf(sku.id);
      expect(events.map((event) => [event.type, event.payload['sequence']])).toEqual([
        ['catalog.sku.added.v1', 1],
        ['catalog.sku.listed.v1', 2],
      ]);
      expect(value(await catalog.getSku(buyer, sku.id)).listed).toBe(true);
    }
  });

  it('changes nothing and publishes no event when it is listed already', async () => {
    const product = await catalog.product({ listed: true });
    const before = await catalog.eventCount();
    const again = value(await catalog.setListed(operator, product.id, product.version, true));
    expect(again).toEqual(product);
    expect(await catalog.eventCount()).toBe(before);
  });

  it('refuses an empty product, a stale version and another merchant', async () => {
    const [empty, product] = [await catalog.product({ codes: [] }), await catalog.product()];
    const other = callerWith('merchant', (await catalog.merchant()).id);
    const list = (caller: typeof other, id: string, version: number) => catalog.setListed(caller, id, version, true);
    expect(refusal(await list(operator, empty.id, 1))).toBe('not-sellable');
    expect(refusal(await list(operator, product.id, 7))).toBe('stale-version');
    expect(refusal(await list(other, product.id, 1))).toBe('not-found');
  });
});
