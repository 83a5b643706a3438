// SKUs with their current price, and the append-only price versions.
import type { EntityManager } from 'typeorm';
import type { Currency, Money } from '@gravity/kernel';
import type { PriceVersion } from '../domain/product';
import { PriceRow, SkuRow } from './entities';
import { Conditions, type PageRequest, type Queryable } from './queryable';

/** A SKU as the service speaks of it. Ids are uuids here. */
export interface Sku {
  readonly id: string;
  readonly productId: string;
  readonly shopId: string;
  readonly merchantId: string;
  readonly code: string;
  readonly title: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly listed: boolean;
  readonly version: number;
  readonly price: PriceVersion;
}

/** What a reader may see: listed things, those of one merchant besides, or everything. */
export interface Visibility {
  readonly everything: boolean;
  readonly ownMerchantId?: string;
}

export interface SkuFilter {
  readonly visibility: Visibility;
  readonly shopId?: string;
  readonly merchantId?: string;
  readonly productId?: string;
  readonly listed?: boolean;
  readonly attributes?: Readonly<Record<string, string>>;
}

interface SkuRecord {
  id: string;
  product_id: string;
  shop_id: string;
  merchant_id: string;
  code: string;
  title: string;
  attributes: Record<string, string>;
  listed: boolean;
  version: number;
  price_id: string;
  price_version: number;
  amount: string;
  currency: Currency;
  effective_ms: string;
}

const COLUMNS = `t.id, t.product_id, t.shop_id, t.merchant_id, t.code, t.title, t.attributes, t.listed, t.version,
  p.id AS price_id, p.version AS price_version, p.amount::text AS amount, p.currency,
  round(extract(epoch FROM p.effective_at) * 1000)::text AS effective_ms`;
const SOURCE = 'skus t JOIN prices p ON p.sku_id = t.id AND p.version = t.price_version';

/**
 * Those of the codes that the merchant uses already. Holds the merchant until the transaction ends, so that no other
 * transaction adds one of them in between.
 */
export async function takenCodes(tx: Queryable, merchantId: string, codes: readonly string[]): Promise<string[]> {
  await tx.query('SELECT 1 FROM merchants WHERE id = $1 FOR NO KEY UPDATE', [merchantId]);
  const rows = await tx.query<{ code: string }>(
    'SELECT code FROM skus WHERE merchant_id = $1 AND code = ANY($2::text[]) ORDER BY code',
    [merchantId, codes],
  );
  return rows.map((row) => row.code);
}

/** Stores new SKUs with their first prices. A code that the merchant already uses violates `skus_code_per_merchant`. */
export async function insertSkus(manager: EntityManager, skus: readonly Sku[]): Promise<void> {
  await manager.insert(
    SkuRow,
    skus.map(({ price, ...sku }) => ({ ...sku, attributes: { ...sku.attributes }, priceVersion: price.version })),
  );
  await manager.insert(
    PriceRow,
    skus.map((sku) => priceRow(sku.id, sku.price)),
  );
}

/** The SKU, locked until the transaction ends, so that its versions are counted one after the other. */
export async function lockSku(tx: Queryable, id: string): Promise<Sku | undefined> {
  const rows = await tx.query<SkuRecord>(`SELECT ${COLUMNS} FROM ${SOURCE} WHERE t.id = $1 FOR UPDATE OF t`, [id]);
  return rows[0] && fromRecord(rows[0]);
}

/** Adds a price version to a locked SKU and makes it the current one. Returns the SKU as it is now. */
export async function appendPrice(manager: EntityManager, sku: Sku, price: PriceVersion): Promise<Sku> {
  await manager.insert(PriceRow, priceRow(sku.id, price));
  await manager.update(SkuRow, { id: sku.id }, { priceVersion: price.version, version: sku.version + 1 });
  return { ...sku, version: sku.version + 1, price };
}

/** Lists or delists the SKUs of a product that are not so already; returns those that changed, as they are now. */
export async function setSkusListed(tx: Queryable, productId: string, listed: boolean): Promise<Sku[]> {
  const rows = await tx.query<SkuRecord>(
    `WITH t AS (
       UPDATE skus SET listed = $2, version = version + 1 WHERE product_id = $1 AND listed <> $2 RETURNING *
     )
     SELECT ${COLUMNS} FROM t JOIN prices p ON p.sku_id = t.id AND p.version = t.price_version ORDER BY t.id`,
    [productId, listed],
  );
  return rows.map(fromRecord);
}

export async function countSkus(tx: Queryable, productId: string): Promise<number> {
  const rows = await tx.query<{ n: number }>('SELECT count(*)::int AS n FROM skus WHERE product_id = $1', [productId]);
  return rows[0]?.n ?? 0;
}

/** One SKU, if it may be seen. */
export async function findSku(db: Queryable, id: string, visibility: Visibility): Promise<Sku | undefined> {
  const conditions = new Conditions();
  conditions.equal('t.id', id);
  addVisibility(conditions, visibility);
  const rows = await db.query<SkuRecord>(`SELECT ${COLUMNS} FROM ${SOURCE} ${conditions.where}`, conditions.params);
  return rows[0] && fromRecord(rows[0]);
}

/** The SKUs of some products that may be seen, oldest first: at most a hundred per product. */
export async function skusOfProducts(
  db: Queryable,
  productIds: readonly string[],
  visibility: Visibility,
): Promise<Sku[]> {
  if (productIds.length === 0) return [];
  const conditions = new Conditions();
  conditions.add(`t.product_id = ANY(${conditions.param(productIds)}::uuid[])`);
  addVisibility(conditions, visibility);
  const rows = await db.query<SkuRecord>(
    `SELECT ${COLUMNS} FROM ${SOURCE} ${conditions.where} ORDER BY t.id`,
    conditions.params,
  );
  return rows.map(fromRecord);
}

/** SKUs, newest first. */
export async function listSkus(db: Queryable, filter: SkuFilter, page: PageRequest): Promise<Sku[]> {
  const conditions = new Conditions();
  conditions.equal('t.shop_id', filter.shopId);
  conditions.equal('t.merchant_id', filter.merchantId);
  conditions.equal('t.product_id', filter.productId);
  conditions.equal('t.listed', filter.listed);
  if (hasMembers(filter.attributes)) {
    conditions.add(`t.attributes @> ${conditions.param(JSON.stringify(filter.attributes))}::jsonb`);
  }
  addVisibility(conditions, filter.visibility);
  if (page.afterId !== undefined) conditions.add(`t.id < ${conditions.param(page.afterId)}`);
  const limit = conditions.param(page.limit + 1);
  const rows = await db.query<SkuRecord>(
    `SELECT ${COLUMNS} FROM ${SOURCE} ${conditions.where} ORDER BY t.id DESC LIMIT ${limit}`,
    conditions.params,
  );
  return rows.map(fromRecord);
}

/** Restricts table `t`, which has `listed` and `merchant_id`, to what may be seen. */
export function addVisibility(conditions: Conditions, visibility: Visibility): void {
  if (visibility.everything) return;
  conditions.add(
    visibility.ownMerchantId === undefined
      ? 't.listed'
      : `(t.listed OR t.merchant_id = ${conditions.param(visibility.ownMerchantId)})`,
  );
}

export function hasMembers(attributes: Readonly<Record<string, string>> | undefined): boolean {
  return attributes !== undefined && Object.keys(attributes).length > 0;
}

function priceRow(skuId: string, price: PriceVersion): PriceRow {
  const { minor: amount, currency } = price.amount;
  return { id: price.id, skuId, version: price.version, amount, currency, effectiveAtMs: price.effectiveAtMs };
}

function fromRecord(row: SkuRecord): Sku {
  const amount: Money = { minor: BigInt(row.amount), currency: row.currency };
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
    price: { id: row.price_id, version: row.price_version, amount, effectiveAtMs: Number(row.effective_ms) },
  };
}
