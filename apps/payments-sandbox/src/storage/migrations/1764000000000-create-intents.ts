import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Intents, their refunds, charges to be made later, and the callbacks owed with the log of their delivery. */
export class CreateIntents1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE intents (
        intent_id       text PRIMARY KEY,
        idempotency_key text NOT NULL UNIQUE,
        request_hash    text NOT NULL,
        order_id        text NOT NULL,
        description     text NOT NULL,
        client_secret   text NOT NULL,
        amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
        currency        text NOT NULL,
        status          text NOT NULL CHECK (status IN ('PENDING', 'PROCESSING', 'PAID', 'DECLINED', 'CANCELLED')),
        version         integer NOT NULL,
        expires_at      timestamptz NOT NULL,
        paid_minor      bigint,
        charge_id       text,
        paid_at         timestamptz,
        refunded_minor  bigint NOT NULL DEFAULT 0,
        created_at      timestamptz NOT NULL,
        CONSTRAINT paid_is_complete CHECK (
          (status = 'PAID') = (paid_minor IS NOT NULL)
          AND (paid_minor IS NULL) = (charge_id IS NULL)
          AND (paid_minor IS NULL) = (paid_at IS NULL)),
        CONSTRAINT refunds_within_payment CHECK (refunded_minor BETWEEN 0 AND coalesce(paid_minor, 0))
      )`);
    await runner.query('CREATE INDEX intents_by_order ON intents (order_id)');
    await runner.query(`
      CREATE TABLE refunds (
        refund_id       text PRIMARY KEY,
        idempotency_key text NOT NULL UNIQUE,
        request_hash    text NOT NULL,
        intent_id       text NOT NULL REFERENCES intents,
        amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
        created_at      timestamptz NOT NULL
      )`);
    await runner.query('CREATE INDEX refunds_by_intent ON refunds (intent_id)');
    await runner.query(`
      CREATE TABLE scheduled_charges (
        charge_id             text PRIMARY KEY,
        intent_id             text NOT NULL REFERENCES intents,
        amount_minor          bigint NOT NULL CHECK (amount_minor > 0),
        survives_cancellation boolean NOT NULL,
        due_at                timestamptz NOT NULL,
        outcome               text CHECK (outcome IN ('CHARGED', 'VOID')),
        settled_at            timestamptz
      )`);
    await runner.query('CREATE INDEX scheduled_charges_due ON scheduled_charges (due_at) WHERE outcome IS NULL');
    await runner.query(`
      CREATE TABLE deliveries (
        delivery_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id     text NOT NULL,
        intent_id    text NOT NULL REFERENCES intents,
        type         text NOT NULL,
        body         text NOT NULL,
        status       text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'DELIVERED', 'ABANDONED')),
        attempts     integer NOT NULL DEFAULT 0,
        due_at       timestamptz NOT NULL,
        last_status  integer,
        last_error   text,
        created_at   timestamptz NOT NULL,
        delivered_at timestamptz
      )`);
    await runner.query(`CREATE INDEX deliveries_due ON deliveries (due_at) WHERE status = 'PENDING'`);
    await runner.query('CREATE INDEX deliveries_by_intent ON deliveries (intent_id, delivery_id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE deliveries, scheduled_charges, refunds, intents');
  }
}
