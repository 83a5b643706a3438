import { newId } from '@gravity/kernel';
import { shopView } from './shops.dto';
import { Harness, callerWith, operator, refusal, value } from '../../test/harness';

describe('openShop and findShops', () => {
  let catalog: Harness;
  beforeAll(async () => (catalog = await Harness.start('open-shop')));
  afterAll(() => catalog.close());

  it('lets a merchant open shops of its own only', async () => {
    const [own, other] = [await catalog.merchant(), await catalog.merchant()];
    const caller = callerWith('merchant', own.id);
    const open = (merchantId: string) =>
      catalog.tx((tx) => catalog.shops.open(tx, caller, { merchantId, name: '旗舰店' }));
    const shop = shopView(value(await open(own.id)));
    expect((await catalog.eventsOf(shop.id)).map((event) => event.payload)).toEqual([
      { sequence: 1, shopId: shop.id, merchantId: own.id, name: '旗舰店', occurredAt: shop.createdAt },
    ]);
    expect(refusal(await open(other.id))).toBe('not-found');
    expect(refusal(await open(newId('merchant')))).toBe('not-found');
  });

  it('lists shops page by page, each once, newest first', async () => {
    const merchant = await catalog.merchant();
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) ids.unshift((await catalog.shop(merchant.id)).id);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const query = { merchantId: merchant.id, limit: 2, ...(cursor === undefined ? {} : { cursor }) };
      const page = value(await catalog.shops.find(operator, query));
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map((shop) => shop.id));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual([...ids].sort().reverse());
  });

  it('shows a merchant its own shops only, and binds cursors to their filter', async () => {
    const [own, other] = [await catalog.merchant(), await catalog.merchant()];
    await catalog.shop(own.id);
    await catalog.shop(own.id);
    await catalog.shop(other.id);
    const caller = callerWith('merchant', own.id);
    const page = value(await catalog.shops.find(caller, { limit: 1 }));
    expect(page.items[0]!.merchantId).toBe(own.id);
    expect(value(await catalog.shops.find(caller, { merchantId: other.id, limit: 10 })).items).toEqual([]);
    const carried = { merchantId: other.id, limit: 1, cursor: page.nextCursor! };
    expect(refusal(await catalog.shops.find(operator, carried))).toBe('invalid-cursor');
  });
});
