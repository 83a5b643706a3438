// The migrations of the orders service, oldest first. A migration that has been released never changes.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ordersSchema } from './0001-orders.sql';
import { decideClaims } from './0002-decide-claims.sql';

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

export const ordersMigrations = [Orders1764000000001, DecideClaims1764000000002, PruningIndexes1764000000003];
