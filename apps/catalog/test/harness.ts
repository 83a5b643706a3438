// The catalogue's use cases on a database of their own: what the integration specs stand on.
import { type EventType, validateEvent } from '@gravity/contracts';
import { type CallerIdentity, CursorSigner, type Role } from '@gravity/http';
import { ManualClock, type Result, newId } from '@gravity/kernel';
import { type Database, type Tx, migrate, openDatabase } from '@gravity/persistence';
import { freshDatabase } from '@gravity/testing';
import { Outbox } from '@gravity/service';
import { Commands } from '../src/commands';
import { CATALOG_ENTITIES } from '../src/storage/entities';
import { CATALOG_MIGRATIONS } from '../src/storage/migrations/catalog-migrations';
import { AddSkus } from '../src/use-cases/add-skus/add-skus.use-case';
import { CreateProduct } from '../src/use-cases/create-product/create-product.use-case';
import { DelistProduct } from '../src/use-cases/delist-product/delist-product.use-case';
import { FindProducts } from '../src/use-cases/find-products/find-products.use-case';
import { FindShops } from '../src/use-cases/find-shops/find-shops.use-case';
import { FindSkus } from '../src/use-cases/find-skus/find-skus.use-case';
import { GetMerchant } from '../src/use-cases/get-merchant/get-merchant.use-case';
import { GetProduct } from '../src/use-cases/get-product/get-product.use-case';
import { GetSku } from '../src/use-cases/get-sku/get-sku.use-case';
import { ListProduct } from '../src/use-cases/list-product/list-product.use-case';
import { OpenShop } from '../src/use-cases/open-shop/open-shop.use-case';
import { RegisterMerchant } from '../src/use-cases/register-merchant/register-merchant.use-case';
import { SetPrice } from '../src/use-cases/set-price/set-price.use-case';
import type { MerchantView, ProductView, ShopView } from '../src/views.dto';

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

export class Harness {
  readonly clock = new ManualClock(Date.UTC(2026, 10, 20, 12));
  private readonly outbox = new Outbox(this.clock);
  private readonly cursors = new CursorSigner('0123456789abcdef0123456789abcdef');
  readonly commands: Commands;
  readonly registerMerchant = new RegisterMerchant(this.clock, this.outbox);
  readonly openShop = new OpenShop(this.clock, this.outbox);
  readonly createProduct = new CreateProduct(this.clock, this.outbox);
  readonly addSkus = new AddSkus(this.clock, this.outbox);
  readonly setPrice = new SetPrice(this.clock, this.outbox);
  readonly listProduct = new ListProduct(this.clock, this.outbox);
  readonly delistProduct = new DelistProduct(this.clock, this.outbox);
  readonly getMerchant: GetMerchant;
  readonly findShops: FindShops;
  readonly getProduct: GetProduct;
  readonly findProducts: FindProducts;
  readonly getSku: GetSku;
  readonly findSkus: FindSkus;

  private constructor(
    readonly db: Database,
    private readonly drop: () => Promise<void>,
  ) {
    this.commands = new Commands(db);
    this.getMerchant = new GetMerchant(db);
    this.findShops = new FindShops(db, this.cursors);
    this.getProduct = new GetProduct(db);
    this.findProducts = new FindProducts(db, this.cursors);
    this.getSku = new GetSku(db);
    this.findSkus = new FindSkus(db, this.cursors);
  }

  static async start(name: string): Promise<Harness> {
    const database = await freshDatabase(name);
    const { url } = database;
    await migrate({ url, service: 'catalog', migrations: CATALOG_MIGRATIONS });
    return new Harness(openDatabase({ url, applicationName: name, poolSize: 8, entities: CATALOG_ENTITIES }), () =>
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
    return value(await this.tx((tx) => this.registerMerchant.execute(tx, { name })));
  }

  async shop(merchantId?: string): Promise<ShopView> {
    const owner = merchantId ?? (await this.merchant()).id;
    return value(await this.tx((tx) => this.openShop.execute(tx, operator, { merchantId: owner, name: 'shop' })));
  }

  /** A product with one SKU per code. */
  async product(
    options: { shopId?: string; title?: string; codes?: string[]; listed?: boolean } = {},
  ): Promise<ProductView> {
    const shopId = options.shopId ?? (await this.shop()).id;
    const codes = options.codes ?? [newId('sku')];
    const title = options.title ?? '飞天茅台酒';
    const skus = codes.map((code) => ({
      code,
      title: `${title} ${code}`,
      price: { amount: 149900, currency: 'CNY' as const },
    }));
    const product = value(await this.tx((tx) => this.createProduct.execute(tx, operator, { shopId, title, skus })));
    if (options.listed !== true) return product;
    return value(await this.tx((tx) => this.listProduct.execute(tx, operator, product.id, product.version)));
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
