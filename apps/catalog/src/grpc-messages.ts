// The catalogue's objects as gRPC messages, and page sizes as gRPC gives them.
import type { CatalogProto } from '@gravity/contracts';
import { ProblemError } from '@gravity/contracts';
import { PAGE_LIMIT_MAX } from '@gravity/http';
import { idFromUuid } from '@gravity/kernel';
import type { Product } from './storage/product.repository';
import type { Sku } from './storage/sku.repository';

const DEFAULT_PAGE_SIZE = 20;

export function skuMessage(sku: Sku): CatalogProto.Sku {
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

export function productMessage(product: Product, skus: readonly Sku[]): CatalogProto.Product {
  return {
    id: idFromUuid('product', product.id),
    shopId: idFromUuid('shop', product.shopId),
    merchantId: idFromUuid('merchant', product.merchantId),
    title: product.title,
    description: product.description,
    attributes: { ...product.attributes },
    listed: product.listed,
    version: product.version,
    skus: skus.map(skuMessage),
    createdAt: timestamp(product.createdAtMs),
  };
}

/** The limit of a list: 0 means the default; anything outside 0 to 100 is refused. */
export function pageLimit(pageSize: number): number {
  if (pageSize === 0) return DEFAULT_PAGE_SIZE;
  if (pageSize > 0 && pageSize <= PAGE_LIMIT_MAX) return pageSize;
  throw new ProblemError({
    code: 'invalid-request',
    detail: `page_size must be 0 to ${PAGE_LIMIT_MAX}.`,
    errors: [{ pointer: '/page_size', message: `must be 0 to ${PAGE_LIMIT_MAX}` }],
  });
}

/** The attributes of a filter in the form that lists take. */
export function attributePairs(attributes: Readonly<Record<string, string>> | undefined): string[] {
  return Object.entries(attributes ?? {}).map(([name, value]) => {
    // No attribute has such a name, and the pair would be read as another one.
    if (name.includes(':'))
      throw new ProblemError({ code: 'invalid-request', detail: 'Attribute names have no colon.' });
    return `${name}:${value}`;
  });
}

function timestamp(ms: number): { seconds: string; nanos: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds: seconds.toString(), nanos: (ms - seconds * 1000) * 1_000_000 };
}
