import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The version of the product whose terms are stored. Processes of the earlier release cut the terms of a product in the
 * old way and leave `search_form` as it is, but they count its version up: the two numbers then differ, and
 * search-indexer.worker.ts cuts the terms anew.
 */
export class DateSearchTerms1795910400002 implements MigrationInterface {
  name = 'DateSearchTerms1795910400002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE products ADD COLUMN search_version int;
      CREATE INDEX products_with_old_terms ON products (id) WHERE search_version IS DISTINCT FROM version;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE products DROP COLUMN search_version');
  }
}
