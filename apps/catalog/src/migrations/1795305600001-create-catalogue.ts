import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = `
CREATE TABLE merchants (
  id uuid PRIMARY KEY,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  version int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL
);

CREATE TABLE shops (
  id uuid PRIMARY KEY,
  merchant_id uuid NOT NULL REFERENCES merchants,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  version int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  UNIQUE (id, merchant_id)
);
CREATE INDEX shops_by_merchant ON shops (merchant_id, id);

CREATE TABLE products (
  id uuid PRIMARY KEY,
  shop_id uuid NOT NULL,
  merchant_id uuid NOT NULL,
  title text NOT NULL,
  description text NOT NULL,
  attributes jsonb NOT NULL CHECK (jsonb_typeof(attributes) = 'object'),
  listed boolean NOT NULL DEFAULT false,
  version int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  -- Finished terms: see domain/search-text.ts. The configuration of the database's text search is never used.
  search tsvector NOT NULL,
  -- The shop belongs to the merchant, also when two services write.
  FOREIGN KEY (shop_id, merchant_id) REFERENCES shops (id, merchant_id)
);
CREATE INDEX products_by_shop ON products (shop_id, id);
CREATE INDEX products_by_merchant ON products (merchant_id, id);
CREATE INDEX products_by_attributes ON products USING gin (attributes jsonb_path_ops);
CREATE INDEX products_by_text ON products USING gin (search);

CREATE TABLE skus (
  id uuid PRIMARY KEY,
  product_id uuid NOT NULL REFERENCES products,
  shop_id uuid NOT NULL,
  merchant_id uuid NOT NULL,
  code text NOT NULL,
  title text NOT NULL,
  attributes jsonb NOT NULL CHECK (jsonb_typeof(attributes) = 'object'),
  listed boolean NOT NULL,
  -- The number of the current price; its row is there when the transaction commits.
  price_version int NOT NULL CHECK (price_version >= 1),
  -- Counts the changes, each of which is one event: the sequence of the SKU's events.
  version int NOT NULL CHECK (version >= 1),
  CONSTRAINT skus_code_per_merchant UNIQUE (merchant_id, code),
  FOREIGN KEY (shop_id, merchant_id) REFERENCES shops (id, merchant_id)
);
CREATE INDEX skus_by_product ON skus (product_id, id);
CREATE INDEX skus_by_shop ON skus (shop_id, id);
CREATE INDEX skus_by_merchant ON skus (merchant_id, id);
CREATE INDEX skus_by_attributes ON skus USING gin (attributes jsonb_path_ops);

CREATE TABLE prices (
  id uuid PRIMARY KEY,
  sku_id uuid NOT NULL REFERENCES skus,
  version int NOT NULL CHECK (version >= 1),
  amount bigint NOT NULL CHECK (amount BETWEEN 0 AND 9007199254740991),
  currency text NOT NULL CHECK (char_length(currency) = 3),
  effective_at timestamptz NOT NULL,
  UNIQUE (sku_id, version)
);
ALTER TABLE skus ADD CONSTRAINT skus_current_price FOREIGN KEY (id, price_version)
  REFERENCES prices (sku_id, version) DEFERRABLE INITIALLY DEFERRED;
`;

// Orders quote price versions for ever, so a version must not change under them, not even by hand.
const APPEND_ONLY = `
CREATE FUNCTION refuse_price_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a price version never changes; add a new one' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER prices_append_only BEFORE UPDATE OR DELETE ON prices
  FOR EACH ROW EXECUTE FUNCTION refuse_price_change();
CREATE TRIGGER prices_append_only_truncate BEFORE TRUNCATE ON prices
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_price_change();
`;

/** Merchants, shops, products, SKUs and their append-only price versions. */
export class CreateCatalogue1795305600001 implements MigrationInterface {
  name = 'CreateCatalogue1795305600001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(APPEND_ONLY);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE prices, skus, products, shops, merchants CASCADE');
    await runner.query('DROP FUNCTION refuse_price_change()');
  }
}
