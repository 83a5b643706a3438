// Makes SKUs for a product out of a request: used when a product is created and when SKUs join it later.
import type { Problem } from '@gravity/contracts';
import { type Clock, type Result, money, newUuid, ok } from '@gravity/kernel';
import { checkNewSkus, firstPrice } from './domain/product';
import { refusalProblem } from './refusals';
import type { Queryable } from './storage/queryable';
import type { Product } from './storage/product.repository';
import { type Sku, takenCodes } from './storage/sku.repository';
import type { SkuBody } from './use-cases/create-product/create-product.dto';

/**
 * The new SKUs, not stored yet; they are listed when their product is. Refusals: `duplicate-sku`, and `invalid-request`
 * for more SKUs than a product may have.
 */
export async function newSkus(
  tx: Queryable,
  clock: Clock,
  product: Product,
  existing: number,
  bodies: readonly SkuBody[],
): Promise<Result<Sku[], Problem>> {
  const codes = bodies.map((body) => body.code);
  const checked = checkNewSkus(existing, codes);
  if (!checked.ok) return refusalProblem(checked.error);
  const [taken] = codes.length === 0 ? [] : await takenCodes(tx, product.merchantId, codes);
  if (taken !== undefined) return refusalProblem({ kind: 'duplicate-code', code: taken });
  const nowMs = clock.nowMs();
  const skus = bodies.map((body) => ({
    id: newUuid(clock),
    productId: product.id,
    shopId: product.shopId,
    merchantId: product.merchantId,
    code: body.code,
    title: body.title,
    attributes: body.attributes ?? {},
    listed: product.listed,
    version: 1,
    price: firstPrice(newUuid(clock), money(body.price.amount, body.price.currency), nowMs),
  }));
  return ok(skus);
}
