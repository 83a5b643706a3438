// Products and SKUs as messages of gRPC.
import type { CatalogProto } from '@gravity/contracts';
import { idFromUuid } from '@gravity/kernel';
import type { ProductWithSkus } from './products.views';
import type { SkuFacts } from './sku';

export function skuMessage(sku: SkuFacts): CatalogProto.Sku {
  const { minor, currency } = sku.price.amount;
  return {
    id: idFromUuid('sku', sku.id),
    productId: idFromUuid('product', sku.productId),
    shopId: idFromUuid('shop', sku.shopId),
    merchantId: idFromUuid('merchant', sku.merchantId),
    code: sku.code,
    title: sku.title,
    attributes: { ...sku.attributes },
    price: {
      versionId: idFromUuid('price', sku.price.id),
      version: sku.price.version,
      amount: { amountMinor: minor.toString(), currency },
      effectiveAt: timestamp(sku.price.effectiveAtMs),
    },
    listed: sku.listed,
    version: sku.version,
  };
}

export function productMessage({ facts, skus }: ProductWithSkus): CatalogProto.Product {
  return {
    id: idFromUuid('product', facts.id),
    shopId: idFromUuid('shop', facts.shopId),
    merchantId: idFromUuid('merchant', facts.merchantId),
    title: facts.title,
    description: facts.description,
    attributes: { ...facts.attributes },
    listed: facts.listed,
    version: facts.version,
    skus: skus.map(skuMessage),
    createdAt: timestamp(facts.createdAtMs),
  };
}

function timestamp(ms: number): { seconds: string; nanos: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds: seconds.toString(), nanos: (ms - seconds * 1000) * 1_000_000 };
}
