import { money, newId } from '@gravity/kernel';
import { Harness, callerWith, operator, refusal, value } from '../../test/harness';

describe('setPrice', () => {
  let catalog: Harness;
  beforeAll(async () => (catalog = await Harness.start('set-price')));
  afterAll(() => catalog.close());

  const set = (
    caller: typeof operator,
    skuId: string,
    version: number,
    amount: number,
    currency: 'CNY' | 'USD' = 'CNY',
  ) => catalog.setPrice(caller, skuId, version, money(amount, currency));

  it('appends a version and leaves the earlier one as it was', async () => {
    const [first] = (await catalog.product()).skus;
    catalog.clock.advance(1_000);
    const second = value(await set(operator, first!.id, 1, 159900));
    expect(second).toMatchObject({ priceVersion: 2, version: 2, price: { amount: 159900, currency: 'CNY' } });
    expect(second.priceVersionId).not.toBe(first!.priceVersionId);
    const stored = await catalog.db.query(
      'SELECT version, amount::text AS amount FROM prices WHERE sku_id = (SELECT sku_id FROM prices ORDER BY effective_at DESC LIMIT 1) ORDER BY version',
    );
    expect(stored).toEqual([
      { version: 1, amount: '149900' },
      { version: 2, amount: '159900' },
    ]);
    const events = await catalog.eventsOf(first!.id);
    expect(events.map((event) => [event.type, event.payload['sequence'], event.payload['priceVersionId']])).toEqual([
      ['catalog.sku.added.v1', 1, first!.priceVersionId],
      ['catalog.sku.priced.v1', 2, second.priceVersionId],
    ]);
  });

  it('lets exactly one of many win who all read the same version', async () => {
    const [sku] = (await catalog.product()).skus;
    const results = await Promise.all(Array.from({ length: 8 }, (_, index) => set(operator, sku!.id, 1, 1000 + index)));
    expect(results.filter((result) => result.ok)).toHaveLength(1);
    expect(new Set(results.filter((result) => !result.ok).map(refusal))).toEqual(new Set(['stale-version']));
    expect((await catalog.eventsOf(sku!.id)).map((event) => event.payload['sequence'])).toEqual([1, 2]);
  });

  it('refuses the same price, another currency, a foreign SKU and one that does not exist', async () => {
    const [sku] = (await catalog.product()).skus;
    const other = callerWith('merchant', (await catalog.merchant()).id);
    expect(refusal(await set(operator, sku!.id, 1, 149900))).toBe('invalid-request');
    expect(refusal(await set(operator, sku!.id, 1, 1, 'USD'))).toBe('invalid-request');
    expect(refusal(await set(other, sku!.id, 1, 1))).toBe('not-found');
    expect(refusal(await set(operator, newId('sku'), 1, 1))).toBe('not-found');
  });

  it('cannot be changed or removed even by hand', async () => {
    await catalog.product();
    for (const statement of ['UPDATE prices SET amount = 1', 'DELETE FROM prices', 'TRUNCATE prices CASCADE']) {
      await expect(catalog.db.query(statement)).rejects.toThrow('a price version never changes');
    }
  });
});
