// A product with its SKUs: a merchant describes it once and sells it in one or more kinds.
import { type Problem, refuse } from '@gravity/contracts';
import { Aggregate, type Clock, newUuid, ok, type Result } from '@gravity/kernel';
import type { CatalogEvent } from '../events';
import { productCreated } from './products.events';
import { type NewSku, Sku } from './sku';

export const SKUS_PER_PRODUCT_MAX = 100;

/** The one shape of a product, without its SKUs. Ids are uuids. */
export interface ProductFacts {
  readonly id: string;
  readonly shopId: string;
  readonly merchantId: string;
  readonly title: string;
  readonly description: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly listed: boolean;
  readonly version: number;
  readonly createdAtMs: number;
}

/** What a seller says about a new product. */
export interface NewProduct {
  readonly title: string;
  readonly description?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly skus: readonly NewSku[];
}

export class Product extends Aggregate<CatalogEvent> {
  private constructor(
    private current: ProductFacts,
    private readonly all: Sku[],
  ) {
    super();
  }

  /** A merchant describes something to sell. It is not listed yet. Refusals: as {@link addSkus}. */
  static create(
    shop: { readonly id: string; readonly merchantId: string },
    { title, description = '', attributes = {}, skus }: NewProduct,
    clock: Clock,
  ): Result<Product, Problem> {
    const facts = {
      id: newUuid(clock),
      shopId: shop.id,
      merchantId: shop.merchantId,
      title,
      description,
      attributes,
      listed: false,
      version: 1,
      createdAtMs: clock.nowMs(),
    };
    const product = new Product(facts, []);
    product.record(productCreated(facts));
    const added = product.take(skus, clock);
    return added.ok ? ok(product) : added;
  }

  /** The product as it is stored, with all its SKUs. */
  static of(facts: ProductFacts, skus: readonly Sku[]): Product {
    return new Product(facts, [...skus]).stored();
  }

  get facts(): ProductFacts {
    return this.current;
  }

  get version(): number {
    return this.current.version;
  }

  get skus(): readonly Sku[] {
    return this.all;
  }

  /**
   * SKUs join the product; they are listed when it is. Refusals: `duplicate-sku` for codes that repeat among themselves,
   * `invalid-request` for more SKUs than a product may have.
   */
  addSkus(skus: readonly NewSku[], clock: Clock): Result<void, Problem> {
    const added = this.take(skus, clock);
    if (added.ok) this.change({});
    return added;
  }

  /** The product and its SKUs may be sold. Refusal: `not-sellable` when there is nothing to sell. */
  list(clock: Clock): Result<void, Problem> {
    if (this.all.length === 0) return refuse('not-sellable', 'The product has no SKU yet. Add one, then list it.');
    this.setListed(true, clock);
    return ok(undefined);
  }

  /** The product and its SKUs may not be sold; orders that exist are not touched. */
  delist(clock: Clock): Result<void, Problem> {
    this.setListed(false, clock);
    return ok(undefined);
  }

  private take(skus: readonly NewSku[], clock: Clock): Result<void, Problem> {
    if (this.all.length + skus.length > SKUS_PER_PRODUCT_MAX) {
      return refuse('invalid-request', `A product has at most ${SKUS_PER_PRODUCT_MAX} SKUs.`);
    }
    const seen = new Set<string>();
    for (const { code } of skus) {
      if (seen.has(code.key)) return duplicateCode(code.typed);
      seen.add(code.key);
    }
    this.all.push(...skus.map((sku) => Sku.add(this.current, sku, clock)));
    return ok(undefined);
  }

  private setListed(listed: boolean, clock: Clock): void {
    if (this.current.listed === listed) return;
    this.change({ listed });
    for (const sku of this.all) sku.setListed(listed, clock);
  }

  private change(part: Partial<ProductFacts>): void {
    this.current = { ...this.current, ...part, version: this.current.version + 1 };
  }
}

/** The refusal of a code that the merchant uses already. */
export function duplicateCode(typed: string): { ok: false; error: Problem } {
  return refuse('duplicate-sku', `The merchant already has a SKU with the code ${typed}.`);
}
