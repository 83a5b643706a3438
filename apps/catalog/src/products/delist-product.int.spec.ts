import { Harness, buyer, operator, refusal, value } from '../../test/harness';

describe('delistProduct', () => {
  let catalog: Harness;
  beforeAll(async () => (catalog = await Harness.start('delist-product')));
  afterAll(() => catalog.close());

  it('takes product and SKUs out of sight of buyers, and lists again later', async () => {
    const product = await catalog.product({ listed: true });
    const sku = product.skus[0]!;
    const gone = value(await catalog.setListed(operator, product.id, product.version, false));
    expect([gone.listed, gone.skus[0]!.listed]).toEqual([false, false]);
    expect(refusal(await catalog.getProduct(buyer, product.id))).toBe('not-found');
    expect(refusal(await catalog.getSku(buyer, sku.id))).toBe('not-found');
    await catalog.setListed(operator, product.id, gone.version, true);
    const events = await catalog.eventsOf(sku.id);
    expect(events.map((event) => event.type.split('.')[2])).toEqual(['added', 'listed', 'delisted', 'listed']);
    expect(events.map((event) => event.payload['sequence'])).toEqual([1, 2, 3, 4]);
  });
});
