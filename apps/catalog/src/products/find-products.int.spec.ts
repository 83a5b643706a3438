// Goal: text search finds Chinese and English alike, ranks titles first, and pages without loss. The database's own text
// search configuration plays no part, so the result is the same under every locale.
import { Harness, buyer, operator, refusal, value } from '../../test/harness';
import type { FindProductsQuery } from './products.dto';

const PRODUCTS = [
  ['moutai', '飞天茅台酒 53度', '贵州茅台镇酱香型白酒'],
  ['wuliangye', '五粮液 浓香型白酒', '与茅台酒齐名'],
  ['iphone', 'Apple iPhone 17 Pro 256GB', '全新手机'],
  ['case', 'Phone case', 'Fits the iPhone17, café colour'],
  ['tea', '普洱茶', ''],
  ['beer', '精酿 🍺🍻', 'Fête 🇨🇳'],
] as const;

describe('findProducts', () => {
  let catalog: Harness;
  const names = new Map<string, string>();

  beforeAll(async () => {
    catalog = await Harness.start('find-products');
    const shop = await catalog.shop();
    for (const [name, title, description] of PRODUCTS) {
      const skus = [{ code: `SKU-${name}`, title, price: { amount: 100, currency: 'CNY' as const } }];
      const body = {
        shopId: shop.id,
        title,
        description,
        skus,
        attributes: { kind: name === 'iphone' ? 'phone' : 'other' },
      };
      const product = value(await catalog.create(operator, body));
      names.set(product.id, name);
      await catalog.setListed(operator, product.id, 1, true);
    }
  });
  afterAll(() => catalog.close());

  const search = async (filter: Partial<FindProductsQuery>, caller = buyer) =>
    value(await catalog.findProducts(caller, filter));
  const found = async (q: string) => (await search({ q })).items.map(({ id }) => names.get(id));

  it.each([
    ['茅', ['moutai', 'wuliangye']],
    ['茅台', ['moutai', 'wuliangye']],
    ['茅台酒', ['moutai', 'wuliangye']],
    ['飞天茅台', ['moutai']],
    ['台茅', []],
    ['茶', ['tea']],
    ['iphone', ['iphone', 'case']],
    ['IPHO', ['iphone', 'case']],
    ['iphone17', ['iphone', 'case']],
    ['iphone 17 pro', ['iphone']],
    ['cafe', ['case']],
    ['手机 256', ['iphone']],
    ['SKU-tea', ['tea']],
    ['ｉＰｈｏｎｅ　Ｐｒｏ', ['iphone']],
    ['🍺', ['beer']],
    ['🍺🍻', ['beer']],
    ['🍺🍷', []],
    ['精酿 🍺', ['beer']],
    ['🇨🇳', ['beer']],
    ['🇨🇦', []],
    [`${Array.from({ length: 16 }, () => '茅台').join(' ')} 五粮液 nowhere`, []],
    ['飞 天 茅 台 酒 53 度 贵 州 镇 酱 香 型 白 飞天 酒 五', []],
    ['!!', []],
    ["'; DROP TABLE products --", []],
  ])('%s', async (q, expected) => {
    expect(await found(q)).toEqual(expected);
  });

  it('lists newest first without a text, with the SKUs', async () => {
    const page = await search({ q: '  ' });
    expect(page.items).toHaveLength(PRODUCTS.length);
    expect(page.items.every(({ skus }) => skus.length === 1)).toBe(true);
    expect((await search({ attribute: ['kind:phone'] })).items).toHaveLength(1);
  });

  it.each([{ q: '酒' }, { q: 'i' }, {}])('pages through %j one by one, nothing twice, nothing lost', async (filter) => {
    const all = (await search(filter)).items.map(({ id }) => id);
    const paged: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page <= all.length; page += 1) {
      const one = await search({ ...filter, limit: 1, ...(cursor === undefined ? {} : { cursor }) });
      paged.push(...one.items.map(({ id }) => id));
      cursor = one.nextCursor;
      expect(one.hasMore).toBe(cursor !== undefined);
      if (cursor === undefined) break;
    }
    expect(paged).toEqual(all);
  });

  it('binds a cursor to its search', async () => {
    const { nextCursor } = await search({ q: '茅台', limit: 1 });
    const carried = { q: '白酒', limit: 1, cursor: nextCursor! };
    expect(refusal(await catalog.findProducts(buyer, carried))).toBe('invalid-cursor');
  });
});
