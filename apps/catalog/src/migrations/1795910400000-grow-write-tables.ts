import { auditDdl, idempotencyGrowthDdl } from '@gravity/service';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the write pipeline keeps: the audit log, and more about each idempotency key. */
export class GrowWriteTables1795910400000 implements MigrationInterface {
  name = 'GrowWriteTables1795910400000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...idempotencyGrowthDdl(), ...auditDdl()]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audit_log');
    await runner.query('DROP FUNCTION refuse_audit_change()');
    await runner.query(
      'ALTER TABLE idempotency_key DROP COLUMN object_id, DROP COLUMN recorded, DROP COLUMN lease_until',
    );
  }
}
