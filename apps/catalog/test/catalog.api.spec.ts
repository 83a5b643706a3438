// Goal: the catalogue as its clients meet it: over HTTP and gRPC with real tokens, its events arriving in Kafka, foreign
// objects out of reach. Method: the whole service on a database and a topic prefix of its own.
import {
  type ServiceError,
  type ServiceClientConstructor,
  Metadata,
  credentials,
  loadPackageDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type CatalogProto, PROTO_LOADER_OPTIONS, protoPackage, validateEvent } from '@gravity/contracts';
import { routesOf } from '@gravity/http';
import { bootServices, migrateService, type RunningServices } from '@gravity/service';
import { newId } from '@gravity/kernel';
import { openDatabase } from '@gravity/persistence';
import {
  EventProbe,
  type FreshDatabase,
  type LocalIssuer,
  engines,
  eventually,
  freshDatabase,
  localIssuer,
  uniquePrefix,
} from '@gravity/testing';
import { request } from 'undici';
import { catalogService } from '../src/catalog.service';
import type { MerchantView } from '../src/merchants/merchants.dto';
import type { ProductListView, ProductView, SkuView } from '../src/products/products.views';
import type { ShopView } from '../src/shops/shops.dto';

interface Answer<B> {
  readonly status: number;
  readonly body: B;
  readonly headers: Record<string, string | string[] | undefined>;
}

const price = { amount: 149900, currency: 'CNY' };
const tagOf = (ifMatch: number | string): string => (typeof ifMatch === 'number' ? `"${ifMatch}"` : ifMatch);

describe('catalogue', () => {
  const prefix = uniquePrefix();
  let database: FreshDatabase;
  let issuer: LocalIssuer;
  let service: RunningServices;
  let probe: EventProbe | undefined;
  let tokens: Record<'operator' | 'buyer', string>;

  beforeAll(async () => {
    const { kafkaBrokers } = engines();
    [database, issuer] = await Promise.all([freshDatabase('catalog-api'), localIssuer()]);
    const env = {
      ...issuer.env,
      CATALOG_DATABASE_URL: database.url,
      KAFKA_BROKERS: kafkaBrokers,
      KAFKA_TOPIC_PREFIX: prefix,
      CURSOR_SECRET: 'c'.repeat(32),
      LOG_LEVEL: 'error',
    };
    await migrateService(catalogService, env);
    service = await bootServices([catalogService], { env, port: 0, grpcPort: 0 });
    tokens = {
      operator: await issuer.mint({ sub: 'op_1', roles: ['operator'] }),
      buyer: await issuer.mint({ sub: 'b_1', roles: ['buyer'] }),
    };
  });

  afterAll(async () => {
    await probe?.close();
    await service?.close();
    await database?.drop();
  });

  async function call<B>(
    token: string,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    options: { body?: unknown; key?: string | null; ifMatch?: number | string } = {},
  ): Promise<Answer<B>> {
    const key = options.key === undefined ? newId('event') : options.key;
    const answer = await request(`${service.url}/catalog/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(method === 'POST' && key !== null ? { 'idempotency-key': key } : {}),
        ...(options.ifMatch === undefined ? {} : { 'if-match': tagOf(options.ifMatch) }),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    return { status: answer.statusCode, body: (await answer.body.json()) as B, headers: answer.headers };
  }

  /** A merchant with its token, its shop and a product of one SKU. */
  async function seller(name: string) {
    const merchant = await call<MerchantView>(tokens.operator, 'POST', 'merchants', { body: { name } });
    expect(merchant.status).toBe(201);
    const token = await issuer.mint({ sub: merchant.body.id, roles: ['merchant'] });
    const shop = await call<ShopView>(token, 'POST', 'shops', { body: { merchantId: merchant.body.id, name } });
    expect(shop.status).toBe(201);
    const skus = [{ code: 'S1', title: `${name} 500ml`, attributes: { volume: '500ml' }, price }];
    const product = await call<ProductView>(token, 'POST', 'products', {
      body: { shopId: shop.body.id, title: name, skus },
    });
    expect([product.status, product.headers['etag']]).toEqual([201, '"1"']);
    return { merchant: merchant.body, token, shop: shop.body, product: product.body, sku: product.body.skus[0]! };
  }

  const list = (token: string, product: ProductView) =>
    call<ProductView>(token, 'PUT', `products/${product.id}/listing`, { ifMatch: product.version });

  it('goes from a merchant to a listed product that buyers find, and back', async () => {
    const { token, product, sku } = await seller('飞天茅台酒');
    expect((await call(tokens.buyer, 'GET', `products/${product.id}`)).status).toBe(404);
    const listed = await list(token, product);
    expect([listed.status, listed.headers['etag'], listed.body.listed]).toEqual([200, '"2"', true]);
    const found = await call<ProductListView>(
      tokens.buyer,
      'GET',
      `products?q=${encodeURIComponent('茅')}&attribute=volume:500ml`,
    );
    expect(found.body.items.map((item) => item.id)).toEqual([product.id]);
    const read = await call<SkuView>(tokens.buyer, 'GET', `skus/${sku.id}`);
    expect([read.status, read.headers['etag'], read.body.price]).toEqual([200, '"2"', price]);
    const delisted = await call<ProductView>(token, 'DELETE', `products/${product.id}/listing`, { ifMatch: 2 });
    expect(delisted.status).toBe(200);
    expect((await call(tokens.buyer, 'GET', `skus/${sku.id}`)).status).toBe(404);
  });

  it('replays the answer of a key, and refuses missing keys, reused keys, missing and stale versions', async () => {
    const { token, product, sku } = await seller('replay');
    const body = { amount: 1, currency: 'CNY' };
    const path = `skus/${sku.id}/prices`;
    const first = await call<SkuView>(token, 'POST', path, { body, key: 'k', ifMatch: 1 });
    const again = await call<SkuView>(token, 'POST', path, { body, key: 'k', ifMatch: 1 });
    expect([first.status, again.status, again.headers['idempotent-replayed']]).toEqual([201, 201, 'true']);
    expect(again.body).toEqual(first.body);
    const codes = await Promise.all([
      call<{ code: string }>(token, 'POST', path, { body: { ...body, amount: 2 }, key: 'k', ifMatch: 1 }),
      call<{ code: string }>(token, 'POST', path, { body, key: null, ifMatch: 2 }),
      call<{ code: string }>(token, 'POST', path, { body }),
      call<{ code: string }>(token, 'POST', path, { body: { ...body, amount: 2 }, ifMatch: 1 }),
      call<{ code: string }>(token, 'PUT', `products/${product.id}/listing`, { ifMatch: 9 }),
    ]);
    expect(codes.map((answer) => [answer.status, answer.body.code])).toEqual([
      [422, 'idempotency-key-reused'],
      [400, 'idempotency-key-missing'],
      [428, 'precondition-required'],
      [412, 'stale-version'],
      [412, 'stale-version'],
    ]);
  });

  it.each(['W/"1"', '"1", "7"', '*'])('guards a write with If-Match: %s', async (ifMatch) => {
    const { token, product, sku } = await seller('tags');
    const body = { amount: 1, currency: 'CNY' };
    const priced = await call<SkuView>(token, 'POST', `skus/${sku.id}/prices`, { body, ifMatch });
    expect([priced.status, priced.headers['etag']]).toEqual([201, '"2"']);
    const listed = await call<ProductView>(token, 'PUT', `products/${product.id}/listing`, { ifMatch });
    expect([listed.status, listed.body.listed]).toEqual([200, true]);
    const again = await call<ProductView>(token, 'PUT', `products/${product.id}/listing`, { ifMatch: 1 });
    expect([again.status, again.body]).toEqual([200, listed.body]);
  });

  it('keeps on record what operators write, and not what merchants write', async () => {
    const { token, product, merchant } = await seller('audited');
    await list(tokens.operator, product);
    await call(token, 'DELETE', `products/${product.id}/listing`, { ifMatch: 2 });
    const db = openDatabase({ url: database.url, applicationName: 'spec', poolSize: 1 });
    const rows = await db.query('SELECT sub, operation FROM audit_log WHERE object_id = ANY($1) ORDER BY id', [
      [merchant.id, product.id],
    ]);
    await db.close();
    expect(rows).toEqual([
      { sub: 'op_1', operation: 'registerMerchant' },
      { sub: 'op_1', operation: 'listProduct' },
    ]);
  });

  it.each([
    ['an invisible character', 'AB\u200bC'],
    ['a direction', 'A\u202eB'],
    ['a control character', 'A\u0007'],
    ['white space alone', ' \u3000'],
  ])('refuses a SKU code with %s', async (_fault, code) => {
    const { token, product } = await seller('codes');
    const body = { skus: [{ code, title: 'x', price }] };
    const answer = await call<{ code: string }>(token, 'POST', `products/${product.id}/skus`, { body });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
  });

  it.each([
    ['unknown property', { name: 'x', status: 'VIP' }],
    ['wrong type', { name: 7 }],
    ['missing', {}],
    ['blank', { name: ' ' }],
    ['too long', { name: 'x'.repeat(201) }],
    ['NUL', { name: 'a\u0000b' }],
    ['half a surrogate pair', { name: 'a\ud800' }],
    ['an array', [{ name: 'x' }]],
  ])('refuses a body with a fault: %s', async (_fault, body) => {
    const answer = await call<{ code: string }>(tokens.operator, 'POST', 'merchants', { body });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
  });

  it.each([
    [{ amount: -1, currency: 'CNY' }],
    [{ amount: 1.5, currency: 'CNY' }],
    [{ amount: 1e300, currency: 'CNY' }],
    [{ amount: '1', currency: 'CNY' }],
    [{ amount: 1, currency: 'XXX' }],
    [null],
    [7],
  ])('refuses the price %j in a SKU', async (bad) => {
    const { token, product } = await seller('prices');
    const body = { skus: [{ code: 'N', title: 'N', price: bad }] };
    const answer = await call<{ code: string }>(token, 'POST', `products/${product.id}/skus`, { body });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
  });

  it.each([
    [{ a: 1 }],
    [{ a: { b: 'c' } }],
    [{ a: '' }],
    [{ 'a:b': 'c' }],
    [{ '': 'c' }],
    [{ a: '\u0000' }],
    [['a']],
    ['a'],
    [Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`a${index}`, 'x']))],
    [JSON.parse('{"__proto__": {"listed": "true"}}')],
    [JSON.parse('{"constructor": {"prototype": {"x": 1}}}')],
  ])('refuses the attributes %j', async (attributes: unknown) => {
    const { token, shop } = await seller('attributes');
    const body = { shopId: shop.id, title: 'x', attributes };
    const answer = await call<{ code: string }>(token, 'POST', 'products', { body });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'cursor=zzz',
    'listed=maybe',
    'attribute=x',
    'shopId=1',
    'nonsense=1',
    'q=%00',
  ])('refuses the query %s with 400', async (query) => {
    const answer = await call<{ code: string }>(tokens.buyer, 'GET', `products?${query}`);
    expect(answer.status).toBe(400);
  });

  it("keeps merchants out of each other's objects on every route with an id", async () => {
    const [own, foreign] = [await seller('own'), await seller('foreign')];
    const attempts = [
      call(own.token, 'GET', `merchants/${foreign.merchant.id}`),
      call(own.token, 'GET', `products/${foreign.product.id}`),
      call(own.token, 'GET', `skus/${foreign.sku.id}`),
      call(own.token, 'POST', 'shops', { body: { merchantId: foreign.merchant.id, name: 'x' } }),
      call(own.token, 'POST', 'products', { body: { shopId: foreign.shop.id, title: 'x' } }),
      call(own.token, 'POST', `products/${foreign.product.id}/skus`, {
        body: { skus: [{ code: 'Z', title: 'Z', price }] },
      }),
      call(own.token, 'POST', `skus/${foreign.sku.id}/prices`, { body: { amount: 1, currency: 'CNY' }, ifMatch: 1 }),
      call(own.token, 'PUT', `products/${foreign.product.id}/listing`, { ifMatch: 1 }),
      call(own.token, 'DELETE', `products/${foreign.product.id}/listing`, { ifMatch: 1 }),
    ];
    for (const answer of await Promise.all(attempts)) expect(answer.status).toBe(404);
    const lists = await Promise.all(
      ['shops', 'products', 'skus'].map((path) =>
        call<ProductListView>(own.token, 'GET', `${path}?merchantId=${foreign.merchant.id}`),
      ),
    );
    for (const answer of lists) expect(answer.body).toEqual({ items: [], hasMore: false });
  });

  it('lets buyers write nothing, and admits no caller without a good token', async () => {
    const { product, sku } = await seller('guarded');
    const writes = [
      call(tokens.buyer, 'POST', 'merchants', { body: { name: 'x' } }),
      call(tokens.buyer, 'POST', 'shops', { body: { merchantId: 'x', name: 'x' } }),
      call(tokens.buyer, 'POST', 'products', { body: { shopId: 'x', title: 'x' } }),
      call(tokens.buyer, 'POST', `products/${product.id}/skus`, { body: { skus: [] } }),
      call(tokens.buyer, 'POST', `skus/${sku.id}/prices`, { body: price, ifMatch: 1 }),
      call(tokens.buyer, 'PUT', `products/${product.id}/listing`, { ifMatch: 1 }),
      call(tokens.buyer, 'DELETE', `products/${product.id}/listing`, { ifMatch: 1 }),
    ];
    for (const answer of await Promise.all(writes)) expect(answer.status).toBe(403);
    for (const route of routesOf(service.app).filter((entry) => entry.path.startsWith('/catalog'))) {
      const answer = await request(`${service.url}${route.path}`, { method: route.method as 'GET' });
      await answer.body.dump();
      expect([route.path, answer.statusCode]).toEqual([route.path, 401]);
    }
  });

  it('publishes every change to Kafka, in order per SKU, with valid payloads', async () => {
    const { token, product, sku, merchant, shop } = await seller('events');
    await list(token, product);
    await call(token, 'POST', `skus/${sku.id}/prices`, { body: { amount: 5, currency: 'CNY' }, ifMatch: 2 });
    await call(token, 'DELETE', `products/${product.id}/listing`, { ifMatch: 2 });
    const topics = ['merchant', 'shop', 'product', 'sku'].map((name) => `${prefix}catalog.${name}`);
    probe = await EventProbe.start({ brokers: engines().kafkaBrokers, topics });
    const { events } = probe;
    const ofKey = (key: string) => events.filter((event) => event.key === key);
    await eventually(() => expect(ofKey(sku.id)).toHaveLength(4));
    await eventually(() => expect([merchant, shop, product].map(({ id }) => ofKey(id).length)).toEqual([1, 1, 1]));
    expect(ofKey(sku.id).map((event) => event.headers['ce_type'])).toEqual([
      'catalog.sku.added.v1',
      'catalog.sku.listed.v1',
      'catalog.sku.priced.v1',
      'catalog.sku.delisted.v1',
    ]);
    expect(ofKey(sku.id).map((event) => event.payload['sequence'])).toEqual([1, 2, 3, 4]);
    for (const { headers, payload } of events) expect(validateEvent(headers['ce_type']!, payload)).toBeUndefined();
  });

  describe('over gRPC', () => {
    type Method<Q, A> = (
      query: Partial<Q>,
      metadata: Metadata,
      done: (error: ServiceError | null, answer: A) => void,
    ) => void;
    type Client = InstanceType<ServiceClientConstructor> & {
      getProduct: Method<CatalogProto.GetProductRequest, CatalogProto.GetProductResponse>;
      getSku: Method<CatalogProto.GetSkuRequest, CatalogProto.GetSkuResponse>;
      listSkus: Method<CatalogProto.ListSkusRequest, CatalogProto.ListSkusResponse>;
      searchProducts: Method<CatalogProto.SearchProductsRequest, CatalogProto.SearchProductsResponse>;
    };
    let client: Client;

    beforeAll(() => {
      const { protoPath, includeDirs } = protoPackage('catalog');
      const loaded = loadPackageDefinition(
        loadSync(protoPath, { ...PROTO_LOADER_OPTIONS, includeDirs: [...includeDirs] }),
      );
      const { v1 } = (loaded['gravity'] as never)['catalog'] as { v1: { CatalogService: ServiceClientConstructor } };
      client = new v1.CatalogService(service.grpcUrl!, credentials.createInsecure()) as unknown as Client;
    });
    afterAll(() => client.close());

    function rpc<Q, A>(method: Method<Q, A>, query: Partial<Q>, token?: string): Promise<A> {
      const metadata = new Metadata();
      if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
      return new Promise((resolve, reject) => {
        method.call(client, query, metadata, (error, answer) => (error ? reject(error) : resolve(answer)));
      });
    }

    it('reads, lists and searches what REST shows', async () => {
      const { token, product, sku, shop } = await seller('磁力金牛 speaker');
      await list(token, product);
      const read = await rpc(client.getProduct, { productId: product.id }, tokens.buyer);
      expect(read.product).toMatchObject({ id: product.id, title: '磁力金牛 speaker', listed: true, version: 2 });
      const one = await rpc(client.getSku, { skuId: sku.id }, tokens.buyer);
      expect(one.sku?.price).toMatchObject({
        versionId: sku.priceVersionId,
        version: 1,
        amount: { amountMinor: '149900', currency: 'CNY' },
      });
      const listed = await rpc(
        client.listSkus,
        { shopId: shop.id, attributes: { volume: '500ml' }, pageSize: 1 },
        tokens.buyer,
      );
      expect([listed.skus.map((entry) => entry.id), listed.nextPageToken]).toEqual([[sku.id], '']);
      const hidden = await rpc(client.listSkus, { shopId: shop.id, listed: false }, token);
      expect(hidden.skus ?? []).toEqual([]);
      const found = await rpc(client.searchProducts, { query: '金牛' }, tokens.buyer);
      expect(found.products.map((entry) => entry.id)).toEqual([product.id]);
    });

    it('refuses with the status and the code of the registry', async () => {
      const { product } = await seller('hidden');
      const refusal = (error: ServiceError) => [error.code, error.metadata.get('x-problem-code')[0]];
      await expect(
        rpc(client.getProduct, { productId: product.id }).catch((error) => refusal(error as ServiceError)),
      ).resolves.toEqual([16, 'unauthenticated']);
      await expect(
        rpc(client.getProduct, { productId: product.id }, tokens.buyer).catch((error) =>
          refusal(error as ServiceError),
        ),
      ).resolves.toEqual([5, 'not-found']);
      await expect(
        rpc(client.listSkus, { pageSize: 101 }, tokens.buyer).catch((error) => refusal(error as ServiceError)),
      ).resolves.toEqual([3, 'invalid-request']);
      await expect(
        rpc(client.searchProducts, { query: 'x'.repeat(5_000) }, tokens.buyer).catch((error) =>
          refusal(error as ServiceError),
        ),
      ).resolves.toEqual([3, 'invalid-request']);
    });
  });
});
