import { idempotencyDdl } from '@gravity/http';
import { outboxDdl } from '@gravity/messaging';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The outbox of the service's events and the answers stored under idempotency keys. */
export class CreateOutbox1795305600000 implements MigrationInterface {
  name = 'CreateOutbox1795305600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(outboxDdl());
    for (const statement of idempotencyDdl()) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE outbox, outbox_cursor, idempotency_key');
  }
}
