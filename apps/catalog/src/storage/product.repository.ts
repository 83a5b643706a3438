// Products, their listing, and the search over them.
import { toRfc3339 } from '@gravity/kernel';
import { searchVector } from '../domain/search-text';
import { Conditions, type Queryable } from './queryable';
import { type Sku, type Visibility, addVisibility, hasMembers } from './sku.repository';

/** A product without its SKUs. Ids are uuids here. */
export interface Product {
  readonly id: string;
  readonly shopId: string;
  readonly merchantId: string;
  readonly title: string;
  readonly description: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly listed: boolean;
  readonly version: number;
  readonly createdAtMs: number;
}

export interface ProductFilter {
  readonly visibility: Visibility;
  readonly shopId?: string;
  readonly merchantId?: string;
  readonly listed?: boolean;
  readonly attributes?: Readonly<Record<string, string>>;
  /** A tsquery of domain/search-text.ts; the list is then ordered by rank. */
  readonly query?: string;
}

/** Where a page of products begins: after this id, and after this rank when it is a search. */
export interface ProductPageRequest {
  readonly limit: number;
  readonly afterId?: string;
  readonly afterRank?: string;
}

export interface RankedProduct extends Product {
  /** The rank as Postgres prints it, exactly, for the cursor. Absent when nothing was searched for. */
  readonly rank?: string;
}

interface ProductRecord {
  id: string;
  shop_id: string;
  merchant_id: string;
  title: string;
  description: string;
  attributes: Record<string, string>;
  listed: boolean;
  version: number;
  created_ms: string;
  rank?: string;
}

const COLUMNS = `t.id, t.shop_id, t.merchant_id, t.title, t.description, t.attributes, t.listed, t.version,
  round(extract(epoch FROM t.created_at) * 1000)::text AS created_ms`;
// Weights of D, C, B, A; 1: long documents count a little less.
const RANK = (query: string): string => `ts_rank('{0.1, 0.2, 0.5, 1.0}', t.search, ${query}::tsquery, 1)`;

export async function insertProduct(tx: Queryable, product: Product, skus: readonly Sku[]): Promise<void> {
  await tx.query(
    `INSERT INTO products (id, shop_id, merchant_id, title, description, attributes, listed, version, created_at, search)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::tsvector)`,
    [
      product.id,
      product.shopId,
      product.merchantId,
      product.title,
      product.description,
      JSON.stringify(product.attributes),
      product.listed,
      product.version,
      toRfc3339(product.createdAtMs),
      searchVectorOf(product, skus),
    ],
  );
}

/** The product, locked until the transaction ends. */
export async function lockProduct(tx: Queryable, id: string): Promise<Product | undefined> {
  const rows = await tx.query<ProductRecord>(`SELECT ${COLUMNS} FROM products t WHERE t.id = $1 FOR UPDATE`, [id]);
  return rows[0] && fromRecord(rows[0]);
}

/** Stores a change of a locked product: its listing, and the search terms of the SKUs it has now when they are given. */
export async function updateProduct(
  tx: Queryable,
  product: Product,
  change: { readonly listed?: boolean; readonly skus?: readonly Sku[] },
): Promise<Product> {
  const listed = change.listed ?? product.listed;
  const search = change.skus && searchVectorOf(product, change.skus);
  await tx.query(
    `UPDATE products SET listed = $2, version = version + 1, search = coalesce($3::tsvector, search) WHERE id = $1`,
    [product.id, listed, search ?? null],
  );
  return { ...product, listed, version: product.version + 1 };
}

/** One product, if it may be seen. */
export async function findProduct(db: Queryable, id: string, visibility: Visibility): Promise<Product | undefined> {
  const conditions = new Conditions();
  conditions.equal('t.id', id);
  addVisibility(conditions, visibility);
  const rows = await db.query<ProductRecord>(
    `SELECT ${COLUMNS} FROM products t ${conditions.where}`,
    conditions.params,
  );
  return rows[0] && fromRecord(rows[0]);
}

/** Products: best match first when something is searched for, otherwise newest first. */
export async function listProducts(
  db: Queryable,
  filter: ProductFilter,
  page: ProductPageRequest,
): Promise<RankedProduct[]> {
  const conditions = new Conditions();
  conditions.equal('t.shop_id', filter.shopId);
  conditions.equal('t.merchant_id', filter.merchantId);
  conditions.equal('t.listed', filter.listed);
  if (hasMembers(filter.attributes)) addAttributes(conditions, filter.attributes!);
  addVisibility(conditions, filter.visibility);
  const rank = filter.query === undefined ? undefined : RANK(conditions.param(filter.query));
  if (rank !== undefined) conditions.add(`t.search @@ $${conditions.params.length}::tsquery`);
  addStart(conditions, page, rank);
  const limit = conditions.param(page.limit + 1);
  const rows = await db.query<ProductRecord>(
    `SELECT ${COLUMNS}${rank === undefined ? '' : `, ${rank}::text AS rank`} FROM products t ${conditions.where}
      ORDER BY ${rank === undefined ? '' : `${rank} DESC, `}t.id DESC LIMIT ${limit}`,
    conditions.params,
  );
  return rows.map(fromRecord);
}

// A product matches when it has the attributes itself or one of its SKUs has them.
function addAttributes(conditions: Conditions, attributes: Readonly<Record<string, string>>): void {
  const wanted = `${conditions.param(JSON.stringify(attributes))}::jsonb`;
  const sku = `SELECT 1 FROM skus s WHERE s.product_id = t.id AND s.attributes @> ${wanted}`;
  conditions.add(`(t.attributes @> ${wanted} OR EXISTS (${sku}))`);
}

function addStart(conditions: Conditions, page: ProductPageRequest, rank: string | undefined): void {
  if (page.afterId === undefined) return;
  const id = `${conditions.param(page.afterId)}::uuid`;
  if (rank === undefined) conditions.add(`t.id < ${id}`);
  else conditions.add(`(${rank}, t.id) < (${conditions.param(page.afterRank ?? '0')}::float4, ${id})`);
}

function searchVectorOf(product: Product, skus: readonly Sku[]): string {
  const values = (attributes: Readonly<Record<string, string>>): string => Object.values(attributes).join(' ');
  return searchVector([
    { weight: 'A', text: product.title },
    ...skus.map((sku) => ({ weight: 'B' as const, text: `${sku.title} ${sku.code} ${values(sku.attributes)}` })),
    { weight: 'B', text: values(product.attributes) },
    { weight: 'D', text: product.description },
  ]);
}

function fromRecord(row: ProductRecord): RankedProduct {
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
    ...(row.rank === undefined ? {} : { rank: row.rank }),
  };
}
