// Products and SKUs as event payloads.
import { idFromUuid, moneyToJson, toRfc3339 } from '@gravity/kernel';
import type { CatalogEvent, CatalogEventType } from '../events';
import type { ProductFacts } from './product';
import type { SkuFacts } from './sku';

export type SkuEventType = Extract<CatalogEventType, `catalog.sku.${string}`>;

export function productCreated(product: ProductFacts): CatalogEvent {
  const productId = idFromUuid('product', product.id);
  const payload = {
    sequence: 1,
    productId,
    shopId: idFromUuid('shop', product.shopId),
    merchantId: idFromUuid('merchant', product.merchantId),
    title: product.title,
    description: product.description,
    attributes: { ...product.attributes },
    occurredAt: toRfc3339(product.createdAtMs),
  };
  return { type: 'catalog.product.created.v1', key: productId, payload };
}

/** A SKU event carries the SKU as it is after the change; its version is the sequence. */
export function skuEvent(type: SkuEventType, sku: SkuFacts, nowMs: number): CatalogEvent {
  const skuId = idFromUuid('sku', sku.id);
  const payload = {
    sequence: sku.version,
    skuId,
    productId: idFromUuid('product', sku.productId),
    shopId: idFromUuid('shop', sku.shopId),
    merchantId: idFromUuid('merchant', sku.merchantId),
    code: sku.code,
    title: sku.title,
    attributes: { ...sku.attributes },
    price: moneyToJson(sku.price.amount),
    priceVersionId: idFromUuid('price', sku.price.id),
    priceVersion: sku.price.version,
    listed: sku.listed,
    occurredAt: toRfc3339(nowMs),
  };
  return { type, key: skuId, payload };
}
