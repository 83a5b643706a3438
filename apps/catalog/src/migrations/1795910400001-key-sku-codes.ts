import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Keys of SKU codes, and which release cut a product's search terms. Processes of the earlier release write neither, so
 * both may be missing; workers fill them in (code-keys.worker.ts, search-indexer.worker.ts). The old unique constraint on
 * the typed code stays while such processes may run.
 */
export class KeySkuCodes1795910400001 implements MigrationInterface {
  name = 'KeySkuCodes1795910400001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE skus ADD COLUMN code_key text;
      CREATE UNIQUE INDEX skus_code_key_per_merchant ON skus (merchant_id, code_key) WHERE code_key IS NOT NULL;
      CREATE INDEX skus_without_code_key ON skus (merchant_id, id) WHERE code_key IS NULL;
      ALTER TABLE products ADD COLUMN search_form smallint;
      CREATE INDEX products_by_search_form ON products (search_form);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE products DROP COLUMN search_form');
    await runner.query('ALTER TABLE skus DROP COLUMN code_key');
  }
}
