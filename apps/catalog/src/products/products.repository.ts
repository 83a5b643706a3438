// Products with their SKUs, by raw SQL.
import { type Code, codeKey, toRfc3339 } from '@gravity/kernel';
import { Database, type Tx } from '@gravity/persistence';
import { Outbox, type Visibility } from '@gravity/service';
import { Injectable } from '@nestjs/common';
import type { Filter } from './products.filters';
import { Product, type ProductFacts } from './product';
import {
  PRODUCT_COLUMNS,
  productOf,
  type ProductRow,
  type ProductStart,
  selectProduct,
  selectProducts,
} from './products.sql';
import { SEARCH_FORM, searchVector } from './search-text';
import type { SkuFacts } from './sku';
import { SkusRepository } from './skus.repository';

/** A product of a search with its rank, as Postgres prints it. */
export type RankedProduct = ProductFacts & { readonly rank?: string | undefined };

@Injectable()
export class ProductsRepository {
  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
    private readonly skus: SkusRepository,
  ) {}

  /** The product with all its SKUs, locked until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<Product | undefined> {
    const [row] = await tx.query<ProductRow>(`SELECT ${PRODUCT_COLUMNS} FROM products t WHERE t.id = $1 FOR UPDATE`, [
      id,
    ]);
    return row && Product.of(productOf(row), await this.skus.lockOf(tx, id));
  }

  /**
   * The first of the codes that the merchant uses already, look-alikes included. Holds the merchant until the transaction
   * ends, so that no other transaction adds one of them in between.
   */
  async takenCode(tx: Tx, merchantId: string, codes: readonly Code[]): Promise<Code | undefined> {
    if (codes.length === 0) return undefined;
    await tx.query('SELECT 1 FROM merchants WHERE id = $1 FOR NO KEY UPDATE', [merchantId]);
    const used = await tx.query<{ code: string }>(
      // Rows of an earlier release have no key yet, and look-alikes that it let in never get one.
      'SELECT code FROM skus WHERE merchant_id = $1 AND (code_key = ANY($2::text[]) OR code_key IS NULL)',
      [merchantId, codes.map(({ key }) => key)],
    );
    const keys = new Set(used.map(({ code }) => codeKey(code)));
    return codes.find(({ key }) => keys.has(key));
  }

  /** Stores a new or locked product with its SKUs and the events of all. */
  async save(tx: Tx, product: Product): Promise<void> {
    const { facts, skus } = product;
    const search = searchVectorOf(
      facts,
      skus.map((sku) => sku.facts),
    );
    if (product.isNew) await insertProduct(tx, facts, search);
    else if (product.isChanged) await updateProduct(tx, facts, search);
    product.stored();
    await this.skus.save(tx, skus);
    await this.outbox.append(tx, [...product.takeEvents(), ...skus.flatMap((sku) => sku.takeEvents())]);
  }

  /** One product, if it may be seen. */
  async find(id: string, visibility: Visibility): Promise<ProductFacts | undefined> {
    const { text, params } = selectProduct(id, visibility);
    const [row] = await this.database.query<ProductRow>(text, params);
    return row && productOf(row);
  }

  /** A page of products; one more than the limit when there are more. */
  async list(
    filter: Filter,
    query: string | undefined,
    visibility: Visibility,
    limit: number,
    start: ProductStart,
  ): Promise<RankedProduct[]> {
    const { text, params } = selectProducts(filter, query, visibility, limit, start);
    const rows = await this.database.query<ProductRow>(text, params);
    return rows.map((row) => ({ ...productOf(row), rank: row.rank }));
  }
}

/** The terms under which a product is found: its title before codes and attributes before its description. */
export function searchVectorOf(product: ProductFacts, skus: readonly SkuFacts[]): string {
  const values = (attributes: Readonly<Record<string, string>>): string => Object.values(attributes).join(' ');
  return searchVector([
    { weight: 'A', text: product.title },
    ...skus.map((sku) => ({ weight: 'B' as const, text: `${sku.title} ${sku.code} ${values(sku.attributes)}` })),
    { weight: 'B', text: values(product.attributes) },
    { weight: 'D', text: product.description },
  ]);
}

async function insertProduct(tx: Tx, product: ProductFacts, search: string): Promise<void> {
  await tx.query(
    `INSERT INTO products (id, shop_id, merchant_id, title, description, attributes, listed, version, created_at, search, search_form,
       search_version)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::tsvector, $11, $8)`,
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
      search,
      SEARCH_FORM,
    ],
  );
}

async function updateProduct(tx: Tx, { id, listed, version }: ProductFacts, search: string): Promise<void> {
  await tx.query(
    `UPDATE products SET listed = $2, version = $3, search = $4::tsvector, search_form = $5, search_version = $3
      WHERE id = $1`,
    [id, listed, version, search, SEARCH_FORM],
  );
}
