// Price versions, an append-only table. Raw SQL: the same statements serve products with a hundred SKUs.
import type { Tx } from '@gravity/persistence';
import { toRfc3339 } from '@gravity/kernel';
import type { SkuFacts } from '../products/sku';

/** Stores the current prices of SKUs as new versions. */
export async function insertPrices(tx: Tx, skus: readonly SkuFacts[]): Promise<void> {
  const rows = skus.map(({ id, price }) => ({
    id: price.id,
    sku_id: id,
    version: price.version,
    amount: price.amount.minor.toString(),
    currency: price.amount.currency,
    effective_at: toRfc3339(price.effectiveAtMs),
  }));
  await tx.query(
    `INSERT INTO prices (id, sku_id, version, amount, currency, effective_at)
     SELECT * FROM jsonb_to_recordset($1::jsonb)
       AS r(id uuid, sku_id uuid, version int, amount bigint, currency text, effective_at timestamptz)`,
    [JSON.stringify(rows)],
  );
}
