// The hot statements about SKUs, written out: every page of the shop reads them.
import type { Currency } from '@gravity/kernel';
import { Conditions } from '../conditions';
import type { Visibility } from '@gravity/service';
import type { Filter } from './products.filters';
import type { SkuFacts } from './sku';

export interface SkuRow {
  readonly id: string;
  readonly product_id: string;
  readonly shop_id: string;
  readonly merchant_id: string;
  readonly code: string;
  readonly title: string;
  readonly attributes: Record<string, string>;
  readonly listed: boolean;
  readonly version: number;
  readonly price_id: string;
  readonly price_version: number;
  readonly amount: string;
  readonly currency: Currency;
  readonly effective_ms: string;
}

export interface Statement {
  readonly text: string;
  readonly params: readonly unknown[];
}

const SELECT = `SELECT t.id, t.product_id, t.shop_id, t.merchant_id, t.code, t.title, t.attributes, t.listed, t.version,
  p.id AS price_id, p.version AS price_version, p.amount::text AS amount, p.currency,
  round(extract(epoch FROM p.effective_at) * 1000)::text AS effective_ms
  FROM skus t JOIN prices p ON p.sku_id = t.id AND p.version = t.price_version`;

/** One SKU, if it may be seen. */
export function selectSku(id: string, visibility: Visibility): Statement {
  const conditions = new Conditions().equal('t.id', id).visible(visibility);
  return { text: `${SELECT} ${conditions.where}`, params: conditions.params };
}

/** The SKUs of products that may be seen, oldest first: at most a hundred per product. */
export function selectSkusOf(productIds: readonly string[], visibility: Visibility): Statement {
  const conditions = new Conditions();
  conditions.add(`t.product_id = ANY(${conditions.param(productIds)}::uuid[])`).visible(visibility);
  return { text: `${SELECT} ${conditions.where} ORDER BY t.id`, params: conditions.params };
}

/** A page of SKUs, newest first; one more than the limit when there are more. */
export function selectSkus(filter: Filter, visibility: Visibility, limit: number, afterId?: string): Statement {
  const conditions = new Conditions()
    .equal('t.shop_id', filter.shopId)
    .equal('t.merchant_id', filter.merchantId)
    .equal('t.product_id', filter.productId)
    .equal('t.listed', filter.listed);
  if (filter.attributes)
    conditions.add(`t.attributes @> ${conditions.param(JSON.stringify(filter.attributes))}::jsonb`);
  conditions.visible(visibility);
  if (afterId !== undefined) conditions.add(`t.id < ${conditions.param(afterId)}`);
  const { where } = conditions;
  return {
    text: `${SELECT} ${where} ORDER BY t.id DESC LIMIT ${conditions.param(limit + 1)}`,
    params: conditions.params,
  };
}

export function skuOf(row: SkuRow): SkuFacts {
  return {
    id: row.id,
    productId: row.product_id,
    shopId: row.shop_id,
    merchantId: row.merchant_id,
    code: row.code,
    title: row.title,
    attributes: row.attributes,
    listed: row.listed,
    version: row.version,
    price: {
      id: row.price_id,
      version: row.price_version,
      amount: { minor: BigInt(row.amount), currency: row.currency },
      effectiveAtMs: Number(row.effective_ms),
    },
  };
}
