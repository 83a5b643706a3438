// One product with those of its SKUs that the caller may see.
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { type Result, ok } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { notFound, parseId, visibilityOf } from '../../access';
import { type Product, findProduct } from '../../storage/product.repository';
import { type Sku, skusOfProducts } from '../../storage/sku.repository';

@Injectable()
export class GetProduct {
  constructor(@Inject(Database) private readonly db: Database) {}

  /** Refusals: `not-found`, also for a product that is not listed and not the caller's. */
  async execute(
    caller: CallerIdentity,
    productId: string,
  ): Promise<Result<{ product: Product; skus: Sku[] }, Problem>> {
    const id = parseId('product', productId);
    if (!id.ok) return id;
    const visibility = visibilityOf(caller);
    const product = await findProduct(this.db, id.value, visibility);
    if (product === undefined) return notFound('product', productId);
    return ok({ product, skus: await skusOfProducts(this.db, [product.id], visibility) });
  }
}
