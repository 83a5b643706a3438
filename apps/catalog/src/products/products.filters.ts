// The filters of lists of products and SKUs, from a checked query of REST or gRPC.
import type { CursorFilters } from '@gravity/http';
import { uuidOf } from '@gravity/service';
import type { FindProductsQuery, FindSkusQuery } from './products.dto';

/** Filters with ids as uuids. */
export interface Filter {
  readonly shopId?: string;
  readonly merchantId?: string;
  readonly productId?: string;
  readonly listed?: boolean;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** The filter of a query. */
export function filterOf(query: FindSkusQuery | FindProductsQuery): Filter {
  const { shopId, merchantId, listed, attribute } = query;
  const productId = 'productId' in query ? query.productId : undefined;
  return {
    ...(shopId !== undefined && { shopId: uuidOf('shop', shopId) }),
    ...(merchantId !== undefined && { merchantId: uuidOf('merchant', merchantId) }),
    ...(productId !== undefined && { productId: uuidOf('product', productId) }),
    ...(listed !== undefined && { listed }),
    ...(attribute !== undefined && attribute.length > 0 && { attributes: attributesOf(attribute) }),
  };
}

/** What a cursor is tied to. */
export function boundFilters({ attributes = {}, ...filter }: Filter): CursorFilters {
  const names = Object.keys(attributes).sort();
  return { ...filter, attributes: JSON.stringify(names.map((name) => [name, attributes[name]])) };
}

/** `name:value` pairs as one object; names have no colon. */
function attributesOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf(':')), pair.slice(pair.indexOf(':') + 1)]));
}
