// The hot statements about products, written out: every page of the shop reads them.
import type { Visibility } from '@gravity/service';
import { Conditions } from '../conditions';
import type { Filter } from './products.filters';
import type { ProductFacts } from './product';
import type { Statement } from './skus.sql';

export interface ProductRow {
  readonly id: string;
  readonly shop_id: string;
  readonly merchant_id: string;
  readonly title: string;
  readonly description: string;
  readonly attributes: Record<string, string>;
  readonly listed: boolean;
  readonly version: number;
  readonly created_ms: string;
  /** As Postgres prints it, exactly, for the cursor. Absent when nothing is searched for. */
  readonly rank?: string;
}

/** Where a page of products begins: after this id, and after this rank when it is a search. */
export interface ProductStart {
  readonly afterId?: string | undefined;
  readonly afterRank?: string | undefined;
}

export const PRODUCT_COLUMNS = `t.id, t.shop_id, t.merchant_id, t.title, t.description, t.attributes, t.listed, t.version,
  round(extract(epoch FROM t.created_at) * 1000)::text AS created_ms`;
// Weights of D, C, B, A; 1: long documents count a little less.
const rankOf = (query: string): string => `ts_rank('{0.1, 0.2, 0.5, 1.0}', t.search, ${query}::tsquery, 1)`;

/** One product, if it may be seen. */
export function selectProduct(id: string, visibility: Visibility): Statement {
  const conditions = new Conditions().equal('t.id', id).visible(visibility);
  return { text: `SELECT ${PRODUCT_COLUMNS} FROM products t ${conditions.where}`, params: conditions.params };
}

/**
 * A page of products; one more than the limit when there are more. With a tsquery of search-text.ts the best match comes
 * first, otherwise the newest.
 */
export function selectProducts(
  filter: Filter,
  query: string | undefined,
  visibility: Visibility,
  limit: number,
  { afterId, afterRank }: ProductStart,
): Statement {
  const conditions = new Conditions()
    .equal('t.shop_id', filter.shopId)
    .equal('t.merchant_id', filter.merchantId)
    .equal('t.listed', filter.listed);
  if (filter.attributes) addAttributes(conditions, filter.attributes);
  conditions.visible(visibility);
  const asked = query === undefined ? undefined : conditions.param(query);
  const rank = asked === undefined ? undefined : rankOf(asked);
  if (asked !== undefined) conditions.add(`t.search @@ ${asked}::tsquery`);
  if (afterId !== undefined) {
    const id = `${conditions.param(afterId)}::uuid`;
    if (rank === undefined) conditions.add(`t.id < ${id}`);
    else conditions.add(`(${rank}, t.id) < (${conditions.param(afterRank ?? '0')}::float4, ${id})`);
  }
  const text = `SELECT ${PRODUCT_COLUMNS}${rank === undefined ? '' : `, ${rank}::text AS rank`} FROM products t
    ${conditions.where} ORDER BY ${rank === undefined ? '' : `${rank} DESC, `}t.id DESC`;
  return { text: `${text} LIMIT ${conditions.param(limit + 1)}`, params: conditions.params };
}

export function productOf(row: ProductRow): ProductFacts {
  return {
    id: row.id,
    shopId: row.shop_id,
    merchantId: row.merchant_id,
    title: row.title,
    description: row.description,
    attributes: row.attributes,
    listed: row.listed,
    version: row.version,
    createdAtMs: Number(row.created_ms),
  };
}

// A product matches when it has the attributes itself or one of its SKUs has them.
function addAttributes(conditions: Conditions, attributes: Readonly<Record<string, string>>): void {
  const wanted = `${conditions.param(JSON.stringify(attributes))}::jsonb`;
  const sku = `SELECT 1 FROM skus s WHERE s.product_id = t.id AND s.attributes @> ${wanted}`;
  conditions.add(`(t.attributes @> ${wanted} OR EXISTS (${sku}))`);
}
