// The catalogue's facts, as they go into the outbox in the transaction of the change they tell of.
import type { EventPayload, EventType } from '@gravity/contracts';
import { idFromUuid, moneyToJson, toRfc3339 } from '@gravity/kernel';
import type { MerchantRow, ShopRow } from './storage/entities';
import type { Product } from './storage/product.repository';
import type { Sku } from './storage/sku.repository';

export type CatalogEventType = Extract<EventType, `catalog.${string}`>;
export type SkuEventType = Extract<EventType, `catalog.sku.${string}`>;

/** An event before it is written: its type, its key and what it carries. */
export interface CatalogEvent<T extends CatalogEventType = CatalogEventType> {
  readonly type: T;
  readonly key: string;
  readonly payload: EventPayload<T>;
}

export function merchantRegistered(row: MerchantRow): CatalogEvent {
  const merchantId = idFromUuid('merchant', row.id);
  const payload = { sequence: 1, merchantId, name: row.name, occurredAt: toRfc3339(row.createdAtMs) };
  return { type: 'catalog.merchant.registered.v1', key: merchantId, payload };
}

export function shopOpened(row: ShopRow): CatalogEvent {
  const shopId = idFromUuid('shop', row.id);
  const merchantId = idFromUuid('merchant', row.merchantId);
  const payload = { sequence: 1, shopId, merchantId, name: row.name, occurredAt: toRfc3339(row.createdAtMs) };
  return { type: 'catalog.shop.opened.v1', key: shopId, payload };
}

export function productCreated(product: Product): CatalogEvent {
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
export function skuEvent(type: SkuEventType, sku: Sku, nowMs: number): CatalogEvent {
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
