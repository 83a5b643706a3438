// A SKU: the unit that is priced, sold and delivered. It belongs to a product, and is versioned by itself, because
// its price and its listing change apart from each other.
import type { Problem } from '@gravity/contracts';
import { Aggregate, type Clock, type Code, type Money, newUuid, ok, type Result } from '@gravity/kernel';
import type { CatalogEvent } from '../events';
import { firstPrice, nextPrice, type Price } from '../prices/price';
import type { ProductFacts } from './product';
import { type SkuEventType, skuEvent } from './products.events';

/** The one shape of a SKU. Views, messages, events and rows are mappings of it. Ids are uuids. */
export interface SkuFacts {
  readonly id: string;
  readonly productId: string;
  readonly shopId: string;
  readonly merchantId: string;
  /** As it was typed. */
  readonly code: string;
  readonly title: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly listed: boolean;
  /** Counts the changes, each of which is one event: the sequence of the SKU's events. */
  readonly version: number;
  readonly price: Price;
}

/** What a seller says about a new SKU. */
export interface NewSku {
  readonly code: Code;
  readonly title: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly price: Money;
}

export class Sku extends Aggregate<CatalogEvent> {
  private constructor(private current: SkuFacts) {
    super();
  }

  /** A SKU joins a product; it is listed when the product is. */
  static add(product: ProductFacts, { code, title, attributes = {}, price }: NewSku, clock: Clock): Sku {
    const { id: productId, shopId, merchantId, listed } = product;
    const owner = { productId, shopId, merchantId };
    const sku = new Sku({
      id: newUuid(clock),
      ...owner,
      code: code.typed,
      title,
      attributes,
      listed,
      version: 1,
      price: firstPrice(price, clock),
    });
    sku.tell('catalog.sku.added.v1', clock);
    return sku;
  }

  /** The SKU as it is stored. */
  static of(facts: SkuFacts): Sku {
    return new Sku(facts).stored();
  }

  get facts(): SkuFacts {
    return this.current;
  }

  get version(): number {
    return this.current.version;
  }

  /** Gives it a new price version. Refusals: see {@link nextPrice}. */
  setPrice(amount: Money, clock: Clock): Result<void, Problem> {
    const price = nextPrice(this.current.price, amount, clock);
    if (!price.ok) return price;
    this.change({ price: price.value });
    this.tell('catalog.sku.priced.v1', clock);
    return ok(undefined);
  }

  /** Lists it or takes it off the list; what is so already does not change. */
  setListed(listed: boolean, clock: Clock): void {
    if (this.current.listed === listed) return;
    this.change({ listed });
    this.tell(listed ? 'catalog.sku.listed.v1' : 'catalog.sku.delisted.v1', clock);
  }

  private change(part: Partial<SkuFacts>): void {
    this.current = { ...this.current, ...part, version: this.current.version + 1 };
  }

  private tell(type: SkuEventType, clock: Clock): void {
    this.record(skuEvent(type, this.current, clock.nowMs()));
  }
}
