// The operations on products and their SKUs.
import type { Problem } from '@gravity/contracts';
import { type CallerIdentity, CursorSigner, listOf, type Page, type VersionMatch } from '@gravity/http';
import { type Clock, ok, type Result } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import { CLOCK, found, mayChange, startOfPage, uuidOf, visibilityOf } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { ShopsRepository } from '../shops/shops.repository';
import { boundFilters, filterOf } from './products.filters';
import { duplicateCode, Product, type ProductFacts } from './product';
import {
  type AddSkusBody,
  type CreateProductBody,
  type FindProductsQuery,
  type FindSkusQuery,
  newProduct,
  newSku,
} from './products.dto';
import { ProductsRepository, type RankedProduct } from './products.repository';
import type { ProductWithSkus } from './products.views';
import { searchQuery } from './search-text';
import type { NewSku, SkuFacts } from './sku';
import { SkusRepository } from './skus.repository';

@Injectable()
export class ProductsService {
  constructor(
    private readonly shops: ShopsRepository,
    private readonly products: ProductsRepository,
    private readonly skus: SkusRepository,
    private readonly cursors: CursorSigner,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Describes something to sell. Refusals: `not-found` for a shop that is not the caller's, `duplicate-sku`. */
  async create(tx: Tx, caller: CallerIdentity, body: CreateProductBody): Promise<Result<ProductWithSkus, Problem>> {
    const shopId = uuidOf('shop', body.shopId);
    const shop = found('shop', shopId, await this.shops.find(tx, shopId), ({ merchantId }) =>
      mayChange(caller, merchantId),
    );
    if (!shop.ok) return shop;
    const wanted = newProduct(body);
    const product = Product.create(shop.value, wanted, this.clock);
    if (!product.ok) return product;
    return this.saveWithNewCodes(tx, product.value, wanted.skus);
  }

  /** Adds SKUs. Refusals: `not-found`, `duplicate-sku`, `invalid-request` for too many. */
  async addSkus(
    tx: Tx,
    caller: CallerIdentity,
    productId: string,
    body: AddSkusBody,
  ): Promise<Result<ProductWithSkus, Problem>> {
    const product = await this.lockOwn(tx, caller, productId);
    if (!product.ok) return product;
    const wanted = body.skus.map(newSku);
    const added = product.value.addSkus(wanted, this.clock);
    if (!added.ok) return added;
    return this.saveWithNewCodes(tx, product.value, wanted);
  }

  /**
   * Lists or delists the product with all its SKUs. A repetition changes nothing and answers the same. Refusals:
   * `not-found`, `stale-version`, `not-sellable` when there is nothing to list.
   */
  async setListed(
    tx: Tx,
    caller: CallerIdentity,
    ifMatch: VersionMatch,
    productId: string,
    listed: boolean,
  ): Promise<Result<ProductWithSkus, Problem>> {
    const locked = await this.lockOwn(tx, caller, productId);
    if (!locked.ok) return locked;
    const product = locked.value;
    if (product.facts.listed === listed) return ok(withSkus(product));
    const fresh = ifMatch.check(product.version);
    if (!fresh.ok) return fresh;
    const changed = listed ? product.list(this.clock) : product.delist(this.clock);
    if (!changed.ok) return changed;
    await this.products.save(tx, product);
    return ok(withSkus(product));
  }

  /** One product with those of its SKUs that the caller may see. Refusal: `not-found`. */
  async get(caller: CallerIdentity, productId: string): Promise<Result<ProductWithSkus, Problem>> {
    const visibility = visibilityOf(caller);
    const product = found('product', productId, await this.products.find(productId, visibility));
    if (!product.ok) return product;
    return ok({ facts: product.value, skus: await this.skus.ofProducts([productId], visibility) });
  }

  /** One SKU with its current price. Refusal: `not-found`. */
  async getSku(caller: CallerIdentity, skuId: string): Promise<Result<SkuFacts, Problem>> {
    return found('sku', skuId, await this.skus.find(skuId, visibilityOf(caller)));
  }

  /** Products: by text, best match first; otherwise newest first. Refusal: `invalid-cursor`. */
  async find<T>(
    caller: CallerIdentity,
    query: FindProductsQuery,
    show: (product: ProductWithSkus) => T,
  ): Promise<Result<Page<T>, Problem>> {
    const filter = filterOf(query);
    const asked = query.q?.trim() ? query.q : undefined;
    const terms = asked === undefined ? undefined : searchQuery(asked);
    // Only punctuation was typed: nothing can match.
    if (asked !== undefined && terms === undefined) return ok(listOf([]));
    const bound = { ...boundFilters(filter), q: terms };
    const start = startOfPage(this.cursors, 'products', bound, query.cursor);
    if (!start.ok) return start;
    const [afterId, afterRank] = start.value as [string?, string?];
    const visibility = visibilityOf(caller);
    const page = await this.products.list(filter, terms, visibility, query.limit, { afterId, afterRank });
    const skus = byProduct(
      await this.skus.ofProducts(
        page.map(({ id }) => id),
        visibility,
      ),
    );
    const position = ({ id, rank }: RankedProduct): string[] => (rank === undefined ? [id] : [id, rank]);
    const view = (facts: ProductFacts): T => show({ facts, skus: skus.get(facts.id) ?? [] });
    return ok(this.cursors.page('products', bound, query.limit, page, position, view));
  }

  /** SKUs, newest first. Refusal: `invalid-cursor`. */
  async findSkus<T>(
    caller: CallerIdentity,
    query: FindSkusQuery,
    show: (sku: SkuFacts) => T,
  ): Promise<Result<Page<T>, Problem>> {
    const filter = filterOf(query);
    const bound = boundFilters(filter);
    const start = startOfPage(this.cursors, 'skus', bound, query.cursor);
    if (!start.ok) return start;
    const [afterId] = start.value as [string?];
    const page = await this.skus.list(filter, visibilityOf(caller), query.limit, afterId);
    return ok(this.cursors.page('skus', bound, query.limit, page, ({ id }) => [id], show));
  }

  private async lockOwn(tx: Tx, caller: CallerIdentity, productId: string): Promise<Result<Product, Problem>> {
    const product = await this.products.lock(tx, productId);
    return found('product', productId, product, ({ facts }) => mayChange(caller, facts.merchantId));
  }

  private async saveWithNewCodes(
    tx: Tx,
    product: Product,
    added: readonly NewSku[],
  ): Promise<Result<ProductWithSkus, Problem>> {
    const codes = added.map(({ code }) => code);
    const taken = await this.products.takenCode(tx, product.facts.merchantId, codes);
    if (taken !== undefined) return duplicateCode(taken.typed);
    await this.products.save(tx, product);
    return ok(withSkus(product));
  }
}

function withSkus({ facts, skus }: Product): ProductWithSkus {
  return { facts, skus: skus.map((sku) => sku.facts) };
}

function byProduct(skus: readonly SkuFacts[]): Map<string, SkuFacts[]> {
  const groups = new Map<string, SkuFacts[]>();
  for (const sku of skus) groups.set(sku.productId, [...(groups.get(sku.productId) ?? []), sku]);
  return groups;
}
