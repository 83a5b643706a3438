// The migrations of the orders service, oldest first. A migration that has been released never changes.
import { auditDdl, idempotencyGrowthDdl } from '@gravity/service';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { decideClaims } from '../decide-claims.sql';
import { ordersSchema } from './0001-orders.sql';
import { deadLetters, parkedMessagesAgain } from './0007-dead-letters.sql';

export class Orders1764000000001 implements MigrationInterface {
  readonly name = 'Orders1764000000001';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of ordersSchema) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('The first migration has no way back: drop the database instead.');
  }
}

export class DecideClaims1764000000002 implements MigrationInterface {
  readonly name = 'DecideClaims1764000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(decideClaims);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop function decide_claims');
  }
}

/** The pruner looks for the oldest rows of these tables, which have no other index by time. */
export class PruningIndexes1764000000003 implements MigrationInterface {
  readonly name = 'PruningIndexes1764000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create index claim_tombstones_created on claim_tombstones (created_at)');
    await runner.query('create index payment_callbacks_received on payment_callbacks (received_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index claim_tombstones_created, payment_callbacks_received');
  }
}

/**
 * The decision looks up what a buyer holds of an item by an index that knows the status too: closed orders cost it
 * nothing, however many a buyer has. It is built while sales go on: the remains of an interrupted attempt are removed
 * first.
 */
export class LiveOrdersOfBuyer1764000000004 implements MigrationInterface {
  readonly name = 'LiveOrdersOfBuyer1764000000004';
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('drop index concurrently if exists orders_item_buyer_status');
    await runner.query(
      'create index concurrently orders_item_buyer_status on orders (item_id, buyer_id collate "C", status collate "C")',
    );
    await runner.query(decideClaims);
    await runner.query('drop index concurrently if exists orders_item_buyer');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('create index concurrently orders_item_buyer on orders (item_id, buyer_id collate "C")');
    await runner.query('drop index concurrently orders_item_buyer_status');
  }
}

/** Orders that cost nothing are paid by a sweep; the index holds only those that it has not come to. */
export class FreeOrders1764000000005 implements MigrationInterface {
  readonly name = 'FreeOrders1764000000005';
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('drop index concurrently if exists orders_free');
    await runner.query(
      `create index concurrently orders_free on orders (order_id) where status = 'AWAITING_PAYMENT' and total_minor = 0`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index concurrently orders_free');
  }
}

/**
 * A series chooses the order in which the claims of an opening come to the gate. Processes that do not know the column
 * write series of the default.
 */
export class AdmissionOrder1764000000006 implements MigrationInterface {
  readonly name = 'AdmissionOrder1764000000006';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `alter table series add column if not exists admission_order text not null default 'FIRST_COME'
         check (admission_order in ('FIRST_COME', 'DRAW'))`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table series drop column admission_order');
  }
}

/** See 0007-dead-letters.sql.ts. */
export class DeadLetters1764000000007 implements MigrationInterface {
  readonly name = 'DeadLetters1764000000007';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of deadLetters) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of parkedMessagesAgain) await runner.query(statement);
  }
}

/** What the write pipeline keeps: the audit log, and more about each idempotency key. */
export class GrowWriteTables1764000000008 implements MigrationInterface {
  readonly name = 'GrowWriteTables1764000000008';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...idempotencyGrowthDdl(), ...auditDdl()]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table audit_log');
    await runner.query('drop function refuse_audit_change()');
    await runner.query(
      'alter table idempotency_key drop column object_id, drop column recorded, drop column lease_until',
    );
  }
}

export const ordersMigrations = [
  Orders1764000000001,
  DecideClaims1764000000002,
  PruningIndexes1764000000003,
  LiveOrdersOfBuyer1764000000004,
  FreeOrders1764000000005,
  AdmissionOrder1764000000006,
  DeadLetters1764000000007,
  GrowWriteTables1764000000008,
];
