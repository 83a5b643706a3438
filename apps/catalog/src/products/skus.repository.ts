// SKUs with their current price, by raw SQL.
import { Database, type Tx } from '@gravity/persistence';
import { Outbox, type Visibility } from '@gravity/service';
import { codeKey } from '@gravity/kernel';
import { Injectable } from '@nestjs/common';
import type { Queryable } from '../conditions';
import { insertPrices } from '../prices/prices.repository';
import type { Filter } from './products.filters';
import { Sku, type SkuFacts } from './sku';
import { selectSku, selectSkus, selectSkusOf, skuOf, type SkuRow, type Statement } from './skus.sql';

const EVERYTHING: Visibility = { everything: true };

@Injectable()
export class SkusRepository {
  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
  ) {}

  /** The SKU, locked until the transaction ends, so that its versions are counted one after the other. */
  async lock(tx: Tx, id: string): Promise<Sku | undefined> {
    // The price is read after the lock is held: before, it may be another one.
    await tx.query('SELECT 1 FROM skus WHERE id = $1 FOR UPDATE', [id]);
    const [facts] = await rows(tx, selectSku(id, EVERYTHING));
    return facts && Sku.of(facts);
  }

  /** The SKUs of a locked product, oldest first, locked too. */
  async lockOf(tx: Tx, productId: string): Promise<Sku[]> {
    await tx.query('SELECT 1 FROM skus WHERE product_id = $1 ORDER BY id FOR UPDATE', [productId]);
    return (await rows(tx, selectSkusOf([productId], EVERYTHING))).map((facts) => Sku.of(facts));
  }

  /** Stores a locked SKU with its new price and its events. */
  async savePrice(tx: Tx, sku: Sku): Promise<void> {
    await insertPrices(tx, [sku.facts]);
    await this.save(tx, [sku]);
    await this.outbox.append(tx, sku.takeEvents());
  }

  /** Stores SKUs that are new or have changed. The events are the caller's. */
  async save(tx: Tx, skus: readonly Sku[]): Promise<void> {
    const added = skus.filter((sku) => sku.isNew).map((sku) => sku.facts);
    if (added.length > 0) await insertSkus(tx, added);
    const changed = skus.filter((sku) => sku.isChanged).map((sku) => sku.facts);
    if (changed.length > 0) await updateSkus(tx, changed);
    for (const sku of skus) sku.stored();
  }

  /** One SKU, if it may be seen. */
  async find(id: string, visibility: Visibility): Promise<SkuFacts | undefined> {
    return (await rows(this.database, selectSku(id, visibility)))[0];
  }

  /** The SKUs of products that may be seen, oldest first. */
  async ofProducts(productIds: readonly string[], visibility: Visibility): Promise<SkuFacts[]> {
    return productIds.length === 0 ? [] : rows(this.database, selectSkusOf(productIds, visibility));
  }

  /** SKUs, newest first; one more than the limit when there are more. */
  list(filter: Filter, visibility: Visibility, limit: number, afterId?: string): Promise<SkuFacts[]> {
    return rows(this.database, selectSkus(filter, visibility, limit, afterId));
  }
}

async function rows(db: Queryable, { text, params }: Statement): Promise<SkuFacts[]> {
  return (await db.query<SkuRow>(text, params)).map(skuOf);
}

async function insertSkus(tx: Tx, skus: readonly SkuFacts[]): Promise<void> {
  const records = skus.map((sku) => ({
    id: sku.id,
    product_id: sku.productId,
    shop_id: sku.shopId,
    merchant_id: sku.merchantId,
    code: sku.code,
    code_key: codeKey(sku.code),
    title: sku.title,
    attributes: sku.attributes,
    listed: sku.listed,
    price_version: sku.price.version,
    version: sku.version,
  }));
  await tx.query(
    `INSERT INTO skus (id, product_id, shop_id, merchant_id, code, code_key, title, attributes, listed, price_version, version)
     SELECT * FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, product_id uuid, shop_id uuid, merchant_id uuid, code text,
       code_key text, title text, attributes jsonb, listed boolean, price_version int, version int)`,
    [JSON.stringify(records)],
  );
  await insertPrices(tx, skus);
}

async function updateSkus(tx: Tx, skus: readonly SkuFacts[]): Promise<void> {
  const records = skus.map(({ id, listed, version, price }) => ({ id, listed, version, price_version: price.version }));
  await tx.query(
    `UPDATE skus s SET listed = r.listed, version = r.version, price_version = r.price_version
       FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, listed boolean, version int, price_version int)
      WHERE s.id = r.id`,
    [JSON.stringify(records)],
  );
}
