// SKUs as orders knows them, copied from the catalogue's events.
import type { EventPayload } from '@gravity/contracts';
import { assert, type IdKind, uuidFromId } from '@gravity/kernel';

/** A database or a transaction. */
export interface Queryable {
  query<T>(text: string, params?: readonly unknown[]): Promise<T[]>;
}

export interface SkuSnapshot {
  readonly skuId: string;
  readonly shopId: string;
  readonly merchantId: string;
  readonly title: string;
  readonly priceVersionId?: string;
  readonly currency?: string;
  readonly listed: boolean;
}

interface SnapshotRow {
  sku_id: string;
  shop_id: string;
  merchant_id: string;
  title: string;
  price_version_id: string | null;
  currency: string | null;
  listed: boolean;
}

/** The snapshots of these SKUs (uuids); unknown ones are missing. */
export async function findSkuSnapshots(db: Queryable, skuIds: readonly string[]): Promise<Map<string, SkuSnapshot>> {
  const rows = await db.query<SnapshotRow>(
    `select sku_id, shop_id, merchant_id, title, price_version_id, currency, listed
     from sku_snapshots where sku_id = any($1::uuid[])`,
    [skuIds],
  );
  return new Map(
    rows.map((row) => [
      row.sku_id,
      {
        skuId: row.sku_id,
        shopId: row.shop_id,
        merchantId: row.merchant_id,
        title: row.title,
        ...(row.price_version_id === null ? {} : { priceVersionId: row.price_version_id }),
        ...(row.currency === null ? {} : { currency: row.currency }),
        listed: row.listed,
      },
    ]),
  );
}

/**
 * Stores the SKU of an event. The event with the higher sequence wins, so repeated and overtaken events change nothing.
 */
export async function saveSkuSnapshot(db: Queryable, sku: EventPayload<'catalog.sku.listed.v1'>): Promise<void> {
  await db.query(
    `insert into sku_snapshots as known (sku_id, product_id, shop_id, merchant_id, title, attributes, price_minor,
       currency, price_version_id, listed, sequence)
     values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10, $11)
     on conflict (sku_id) do update set title = excluded.title, attributes = excluded.attributes,
       price_minor = excluded.price_minor, currency = excluded.currency, price_version_id = excluded.price_version_id,
       listed = excluded.listed, sequence = excluded.sequence, updated_at = clock_timestamp()
     where known.sequence < excluded.sequence`,
    [
      uuidOf('sku', sku.skuId),
      uuidOf('product', sku.productId),
      uuidOf('shop', sku.shopId),
      uuidOf('merchant', sku.merchantId),
      sku.title,
      JSON.stringify(sku.attributes),
      sku.price.amount,
      sku.price.currency,
      uuidOf('price', sku.priceVersionId),
      sku.listed,
      sku.sequence,
    ],
  );
}

function uuidOf(kind: IdKind, text: string): string {
  const uuid = uuidFromId(kind, text);
  assert(uuid !== undefined, `${text} is not the id of a ${kind}`);
  return uuid;
}
