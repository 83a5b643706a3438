// SKUs join a product. They are listed at once when the product is.
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { type Clock, type Result, ok } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import { CLOCK, Outbox } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { mayChange, notFound, parseId } from '../../access';
import { skuEvent } from '../../events';
import { newSkus } from '../../new-skus';
import { lockProduct, updateProduct } from '../../storage/product.repository';
import { insertSkus, skusOfProducts } from '../../storage/sku.repository';
import { productView } from '../../views';
import type { ProductView } from '../../views.dto';
import type { AddSkusBody } from './add-skus.dto';

@Injectable()
export class AddSkus {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(Outbox) private readonly outbox: Outbox,
  ) {}

  /** Refusals: `not-found`, `duplicate-sku`, `invalid-request` for too many. Answers with the product as it is now. */
  async execute(
    tx: Tx,
    caller: CallerIdentity,
    productId: string,
    body: AddSkusBody,
  ): Promise<Result<ProductView, Problem>> {
    const id = parseId('product', productId);
    if (!id.ok) return id;
    const product = await lockProduct(tx, id.value);
    if (product === undefined || !mayChange(caller, product.merchantId)) return notFound('product', productId);
    const existing = await skusOfProducts(tx, [product.id], { everything: true });
    const added = await newSkus(tx, this.clock, product, existing.length, body.skus);
    if (!added.ok) return added;
    await insertSkus(tx.manager, added.value);
    const skus = [...existing, ...added.value];
    const changed = await updateProduct(tx, product, { skus });
    const nowMs = this.clock.nowMs();
    await this.outbox.append(
      tx,
      added.value.map((sku) => skuEvent('catalog.sku.added.v1', sku, nowMs)),
    );
    return ok(productView(changed, skus));
  }
}
