// How the catalogue's objects look on the wire, in REST. Ids leave as TypeIDs, money in minor units, times as RFC 3339.
import { idFromUuid, moneyToJson, toRfc3339 } from '@gravity/kernel';
import type { MerchantRow, ShopRow } from './storage/entities';
import type { Product } from './storage/product.repository';
import type { Sku } from './storage/sku.repository';
import type { MerchantView, ProductView, ShopView, SkuView } from './views.dto';

export function merchantView(row: MerchantRow): MerchantView {
  const { name, version } = row;
  return { id: idFromUuid('merchant', row.id), name, version, createdAt: toRfc3339(row.createdAtMs) };
}

export function shopView(row: ShopRow): ShopView {
  return {
    id: idFromUuid('shop', row.id),
    merchantId: idFromUuid('merchant', row.merchantId),
    name: row.name,
    version: row.version,
    createdAt: toRfc3339(row.createdAtMs),
  };
}

export function skuView(sku: Sku): SkuView {
  return {
    id: idFromUuid('sku', sku.id),
    productId: idFromUuid('product', sku.productId),
    shopId: idFromUuid('shop', sku.shopId),
    merchantId: idFromUuid('merchant', sku.merchantId),
    code: sku.code,
    title: sku.title,
    attributes: { ...sku.attributes },
    price: moneyToJson(sku.price.amount),
    priceVersionId: idFromUuid('price', sku.price.id),
    priceVersion: sku.price.version,
    priceEffectiveAt: toRfc3339(sku.price.effectiveAtMs),
    listed: sku.listed,
    version: sku.version,
  };
}

export function productView(product: Product, skus: readonly Sku[]): ProductView {
  return {
    id: idFromUuid('product', product.id),
    shopId: idFromUuid('shop', product.shopId),
    merchantId: idFromUuid('merchant', product.merchantId),
    title: product.title,
    description: product.description,
    attributes: { ...product.attributes },
    listed: product.listed,
    version: product.version,
    createdAt: toRfc3339(product.createdAtMs),
    skus: skus.map(skuView),
  };
}
