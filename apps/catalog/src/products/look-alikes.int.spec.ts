// Goal: a merchant cannot hold two SKU codes that look alike, also when an earlier release stored the first one; look-alikes
// that an earlier release stored are reported and go on being sold. Method: rows as an earlier release writes them, beside ours.
import { renderMetrics } from '@gravity/observability';
import { eventually } from '@gravity/testing';
import { callerWith, Harness, operator, refusal, sku, uuid, value } from '../../test/harness';
import { CodeKeys } from './code-keys.worker';
import { SearchIndexer } from './search-indexer.worker';

describe('look-alikes', () => {
  let catalog: Harness;
  beforeAll(async () => (catalog = await Harness.start('look-alikes')));
  afterAll(() => catalog.close());

  /** The SKU of a product as an earlier release stored it: with this code, and without a key. */
  async function asBefore(skuId: string, code: string): Promise<void> {
    await catalog.db.query('UPDATE skus SET code = $2, code_key = NULL WHERE id = $1', [uuid(skuId), code]);
  }

  async function keysOf(shopId: string): Promise<(string | null)[]> {
    const rows = await catalog.db.query<{ code_key: string | null }>(
      'SELECT code_key FROM skus WHERE shop_id = $1 ORDER BY id',
      [uuid(shopId)],
    );
    return rows.map((row) => row.code_key);
  }

  it.each([
    ['SKU1', 'SKU1 '],
    ['Caf\u00e9', 'Cafe\u0301'],
    ['K9', '\uff2b\uff19'],
    ['ABC', 'abc'],
  ])('%j and %j are one code of a merchant, kept as typed', async (one, other) => {
    const product = await catalog.product({ codes: [one] });
    expect(product.skus[0]!.code).toBe(one);
    expect(refusal(await catalog.addSkus(operator, product.id, [sku(other)]))).toBe('duplicate-sku');
    expect(refusal(await catalog.create(operator, { shopId: product.shopId, title: 't', skus: [sku(other)] }))).toBe(
      'duplicate-sku',
    );
    await catalog.product({ codes: [other] });
  });

  it('are refused by the table too', async () => {
    const { shopId, skus } = await catalog.product({ codes: ['a', 'b'] });
    const update = catalog.db.query(`UPDATE skus SET code_key = 'a' WHERE id = $1`, [uuid(skus[1]!.id)]);
    await expect(update).rejects.toThrow('skus_code_key_per_merchant');
    expect((await keysOf(shopId)).sort()).toEqual(['a', 'b']);
  });

  it('of a code that an earlier release stored without a key are refused at once', async () => {
    const product = await catalog.product({ codes: ['x'] });
    await asBefore(product.skus[0]!.id, 'Ｏｌｄ ');
    expect(refusal(await catalog.addSkus(operator, product.id, [sku('old')]))).toBe('duplicate-sku');
  });

  it('of an earlier release are reported: the oldest has the key, the others are sold on', async () => {
    const { id, shopId, merchantId, ...product } = await catalog.product({ codes: ['p', 'q', 'r'], listed: true });
    const skus = product.skus.sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const [index, code] of ['SKU1', 'sku1', 'other'].entries()) await asBefore(skus[index]!.id, code);
    const worker = new CodeKeys(catalog.db);
    worker.start({ service: 'catalog', database: catalog.db });
    try {
      await eventually(async () => expect(await keysOf(shopId)).toEqual(['sku1', null, 'other']));
      await eventually(async () => expect((await renderMetrics()).body).toMatch(/sku_code_collisions\S* 1$/m));
    } finally {
      await worker.stop();
    }
    const owner = callerWith('merchant', merchantId);
    const repriced = await catalog.setPrice(owner, skus[1]!.id, 2, { minor: 5n, currency: 'CNY' });
    expect(value(repriced).code).toBe('sku1');
    expect(value(await catalog.setListed(owner, id, 2, false)).listed).toBe(false);
    expect(refusal(await catalog.addSkus(owner, id, [sku('SKU1')]))).toBe('duplicate-sku');
  });
});

describe('search terms of an earlier release', () => {
  let catalog: Harness;
  beforeAll(async () => (catalog = await Harness.start('search-forms')));
  afterAll(() => catalog.close());

  const found = async (q: string): Promise<string[]> =>
    value(await catalog.findProducts(operator, { q })).items.map((product) => product.id);

  async function cutAnew(id: string, text: string): Promise<void> {
    const worker = new SearchIndexer(catalog.db, catalog.productsRepository);
    worker.start({ service: 'catalog', database: catalog.db });
    try {
      await eventually(async () => expect(await found(text)).toEqual([id]));
    } finally {
      await worker.stop();
    }
  }

  it('are found as they are, and cut anew in the background', async () => {
    const { id } = await catalog.product({ title: '精酿 🍺', codes: ['beer'], listed: true });
    await catalog.db.query(
      `UPDATE products SET search = '''精'':1A ''酿'':2A ''精酿'':3A'::tsvector, search_form = NULL WHERE id = $1`,
      [uuid(id)],
    );
    expect(await found('精酿')).toEqual([id]);
    expect(await found('🍺')).toEqual([]);
    await cutAnew(id, '🍺');
    expect(value(await catalog.getProduct(operator, id)).version).toBe(2);
  });

  it('that a process of it writes over ours are cut anew too', async () => {
    const { id } = await catalog.product({ title: '白酒 🍶', codes: ['sake'], listed: true });
    // The statement of the earlier release: it counts the version up and does not know the columns beside it.
    await catalog.db.query(
      `UPDATE products SET listed = true, version = version + 1, search = '''白'':1A ''酒'':2A ''白酒'':3A'::tsvector
        WHERE id = $1`,
      [uuid(id)],
    );
    expect(await found('🍶')).toEqual([]);
    await cutAnew(id, '🍶');
  });
});
