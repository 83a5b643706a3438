// The catalogue's services on a database of their own: what the integration specs stand on.
import { type EventType, type Problem, ProblemError, validateEvent } from '@gravity/contracts';
import { type CallerIdentity, CursorSigner, type Page, type Role, valueOrThrow, VersionMatch } from '@gravity/http';
import { err, ManualClock, mapOk, type Money, newId, ok, type Result, uuidFromId } from '@gravity/kernel';
import { type Database, migrate, openDatabase, type Tx } from '@gravity/persistence';
import { Outbox } from '@gravity/service';
import { freshDatabase } from '@gravity/testing';
import { catalogService } from '../src/catalog.service';
import { type MerchantView, merchantView } from '../src/merchants/merchants.dto';
import { MerchantsRepository } from '../src/merchants/merchants.repository';
import { MerchantsService } from '../src/merchants/merchants.service';
import { PricesService } from '../src/prices/prices.service';
import { type FindProductsQuery, type FindSkusQuery, type SkuBody } from '../src/products/products.dto';
import { ProductsRepository } from '../src/products/products.repository';
import { ProductsService } from '../src/products/products.service';
import { type ProductView, productView, type SkuView, skuView } from '../src/products/products.views';
import { SkusRepository } from '../src/products/skus.repository';
import { type ShopView, shopView } from '../src/shops/shops.dto';
import { ShopsRepository } from '../src/shops/shops.repository';
import { ShopsService } from '../src/shops/shops.service';

export interface StoredEvent {
  readonly type: EventType;
  readonly key: string;
  readonly payload: Record<string, unknown>;
}

/** A caller with one role. */
export function callerWith(role: Role, sub: string): CallerIdentity {
  return { sub, roles: new Set([role]), roleMask: 0, ...(role === 'merchant' ? { merchantId: sub } : {}) };
}

export const operator = callerWith('operator', 'op_1');
export const buyer = callerWith('buyer', 'b_1');

/** The value of a result that must be a success. */
export function value<T, E>(result: Result<T, E>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.error)}`);
  return result.value;
}

/** The code of a result that must be a refusal. */
export function refusal(result: Result<unknown, { code: string }>): string {
  if (result.ok) throw new Error(`not refused: ${JSON.stringify(result.value)}`);
  return result.error.code;
}

const KINDS = { mer: 'merchant', shp: 'shop', prd: 'product', sku: 'sku' } as const;

/** A SKU as a request gives it, for 1,499 yuan. */
export function sku(code: string, title = code): SkuBody {
  return { code, title, price: { amount: 149_900, currency: 'CNY' } };
}

/** The work in one transaction, as the write pipeline runs it: a refusal rolls it back. */
async function refusable<T>(db: Database, work: (tx: Tx) => Promise<Result<T, Problem>>): Promise<Result<T, Problem>> {
  try {
    return await db.transaction(async (tx) => ok(valueOrThrow(await work(tx))));
  } catch (error) {
    if (error instanceof ProblemError) return err(error.problem);
    throw error;
  }
}

/** The uuid in an id of the wire. */
export function uuid(id: string): string {
  return uuidFromId(KINDS[id.slice(0, 3) as keyof typeof KINDS], id)!;
}

export class Harness {
  readonly clock = new ManualClock(Date.UTC(2026, 10, 20, 12));
  readonly merchants: MerchantsService;
  readonly shops: ShopsService;
  readonly products: ProductsService;
  readonly prices: PricesService;
  readonly productsRepository: ProductsRepository;

  private constructor(
    readonly db: Database,
    private readonly drop: () => Promise<void>,
  ) {
    const outbox = new Outbox(this.clock);
    const cursors = new CursorSigner('0123456789abcdef0123456789abcdef');
    const merchants = new MerchantsRepository(db, outbox);
    const shops = new ShopsRepository(db, outbox);
    const skus = new SkusRepository(db, outbox);
    this.productsRepository = new ProductsRepository(db, outbox, skus);
    this.merchants = new MerchantsService(merchants, this.clock);
    this.shops = new ShopsService(merchants, shops, cursors, this.clock);
    this.products = new ProductsService(shops, this.productsRepository, skus, cursors, this.clock);
    this.prices = new PricesService(skus, this.clock);
  }

  static async start(name: string): Promise<Harness> {
    const database = await freshDatabase(name);
    const { url } = database;
    const { migrations, entities } = catalogService;
    await migrate({ url, service: 'catalog', migrations });
    return new Harness(openDatabase({ url, applicationName: name, poolSize: 8, ...(entities && { entities }) }), () =>
      database.drop(),
    );
  }

  async close(): Promise<void> {
    await this.db.close();
    await this.drop();
  }

  tx<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.db.transaction(work);
  }

  async merchant(name = '赤水酒业'): Promise<MerchantView> {
    return merchantView(value(await this.tx((tx) => this.merchants.register(tx, name))));
  }

  async shop(merchantId?: string): Promise<ShopView> {
    const owner = merchantId ?? (await this.merchant()).id;
    return shopView(value(await this.tx((tx) => this.shops.open(tx, operator, { merchantId: owner, name: 'shop' }))));
  }

  /** A product with one SKU per code. */
  async product(
    options: { shopId?: string; title?: string; codes?: string[]; listed?: boolean } = {},
  ): Promise<ProductView> {
    const shopId = options.shopId ?? (await this.shop()).id;
    const codes = options.codes ?? [newId('sku')];
    const title = options.title ?? '飞天茅台酒';
    const skus = codes.map((code) => sku(code, `${title} ${code}`));
    const product = value(await this.create(operator, { shopId, title, skus }));
    if (options.listed !== true) return product;
    return value(await this.setListed(operator, product.id, product.version, true));
  }

  async create(
    caller: CallerIdentity,
    body: Parameters<ProductsService['create']>[2],
  ): Promise<Result<ProductView, Problem>> {
    return mapOk(await refusable(this.db, (tx) => this.products.create(tx, caller, body)), productView);
  }

  async addSkus(caller: CallerIdentity, productId: string, skus: SkuBody[]): Promise<Result<ProductView, Problem>> {
    const added = await refusable(this.db, (tx) => this.products.addSkus(tx, caller, uuid(productId), { skus }));
    return mapOk(added, productView);
  }

  async setListed(
    caller: CallerIdentity,
    productId: string,
    version: number,
    listed: boolean,
  ): Promise<Result<ProductView, Problem>> {
    const match = VersionMatch.of(version);
    const set = await refusable(this.db, (tx) => this.products.setListed(tx, caller, match, uuid(productId), listed));
    return mapOk(set, productView);
  }

  async setPrice(
    caller: CallerIdentity,
    skuId: string,
    version: number,
    amount: Money,
  ): Promise<Result<SkuView, Problem>> {
    const match = VersionMatch.of(version);
    return mapOk(await refusable(this.db, (tx) => this.prices.set(tx, caller, match, uuid(skuId), amount)), skuView);
  }

  async getProduct(caller: CallerIdentity, productId: string): Promise<Result<ProductView, Problem>> {
    return mapOk(await this.products.get(caller, uuid(productId)), productView);
  }

  async getSku(caller: CallerIdentity, skuId: string): Promise<Result<SkuView, Problem>> {
    return mapOk(await this.products.getSku(caller, uuid(skuId)), skuView);
  }

  findProducts(caller: CallerIdentity, query: Partial<FindProductsQuery>): Promise<Result<Page<ProductView>, Problem>> {
    return this.products.find(caller, { limit: 20, ...query }, productView);
  }

  findSkus(caller: CallerIdentity, query: Partial<FindSkusQuery>): Promise<Result<Page<SkuView>, Problem>> {
    return this.products.findSkus(caller, { limit: 20, ...query }, skuView);
  }

  /** The events of one aggregate in the order of the outbox; each must fit its schema. */
  async eventsOf(key: string): Promise<StoredEvent[]> {
    const rows = await this.db.query<{ type: EventType; key: string; payload: string }>(
      'SELECT type, key, payload FROM outbox WHERE key = $1 ORDER BY id',
      [key],
    );
    return rows.map((row) => {
      const payload = JSON.parse(row.payload) as Record<string, unknown>;
      expect(validateEvent(row.type, payload, 'writer')).toBeUndefined();
      return { type: row.type, key: row.key, payload };
    });
  }

  async eventCount(): Promise<number> {
    return (await this.db.query<{ n: number }>('SELECT count(*)::int AS n FROM outbox'))[0]!.n;
  }
}
