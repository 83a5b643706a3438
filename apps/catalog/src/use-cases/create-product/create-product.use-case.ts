// A merchant describes something to sell, with its SKUs and their first prices. It is not listed yet.
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { type Clock, type Result, newUuid, ok } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import { CLOCK, Outbox } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { mayChange, notFound, parseId } from '../../access';
import { productCreated, skuEvent } from '../../events';
import { newSkus } from '../../new-skus';
import { findShop } from '../../storage/merchant.repository';
import { type Product, insertProduct } from '../../storage/product.repository';
import { insertSkus } from '../../storage/sku.repository';
import { productView } from '../../views';
import type { ProductView } from '../../views.dto';
import type { CreateProductBody } from './create-product.dto';

@Injectable()
export class CreateProduct {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(Outbox) private readonly outbox: Outbox,
  ) {}

  /** Refusals: `not-found` for a shop that is not the caller's, `duplicate-sku`. */
  async execute(tx: Tx, caller: CallerIdentity, body: CreateProductBody): Promise<Result<ProductView, Problem>> {
    const shopId = parseId('shop', body.shopId);
    if (!shopId.ok) return shopId;
    const shop = await findShop(tx.manager, shopId.value);
    if (shop === undefined || !mayChange(caller, shop.merchantId)) return notFound('shop', body.shopId);
    const product: Product = {
      id: newUuid(this.clock),
      shopId: shop.id,
      merchantId: shop.merchantId,
      title: body.title,
      description: body.description ?? '',
      attributes: body.attributes ?? {},
      listed: false,
      version: 1,
      createdAtMs: this.clock.nowMs(),
    };
    const skus = await newSkus(tx, this.clock, product, 0, body.skus ?? []);
    if (!skus.ok) return skus;
    await insertProduct(tx, product, skus.value);
    if (skus.value.length > 0) await insertSkus(tx.manager, skus.value);
    const added = skus.value.map((sku) => skuEvent('catalog.sku.added.v1', sku, product.createdAtMs));
    await this.outbox.append(tx, [productCreated(product), ...added]);
    return ok(productView(product, skus.value));
  }
}
