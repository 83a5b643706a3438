// Deletes rows past their retention, in bounded steps that hold no lock for long.
import { pruneIdempotency } from '@gravity/http';
import { pruneInbox, pruneOutbox } from '@gravity/messaging';
import type { Database } from '@gravity/persistence';
import type { ServiceDeclaration } from './declaration';
import { Loop } from './loop';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PAUSE_MS = 600_000;
const ROWS_PER_TURN_MAX = 10_000;

/** Shortest retention of the kit's own rows, in milliseconds. */
export const RETENTION_MS = {
  /** Published events. */
  outbox: DAY_MS,
  /** Longer than Kafka's default retention of seven days: no message is redelivered after the deletion of its row. */
  inbox: 8 * DAY_MS,
  /** Answers of writes. */
  idempotencyKeys: 72 * HOUR_MS,
} as const;

/** Deletes old rows of the outbox, the inbox, the idempotency keys and the declared tables. */
export class Retention extends Loop {
  constructor(
    private readonly declaration: Pick<ServiceDeclaration, 'publishes' | 'handlers' | 'idempotencyKeys' | 'retention'>,
    private readonly database: Database,
  ) {
    super({ name: 'retention', pauseMs: PAUSE_MS });
  }

  protected override async turn(): Promise<number | void> {
    const { publishes, handlers, idempotencyKeys, retention } = this.declaration;
    if (publishes.length > 0) await pruneOutbox(this.database, { olderThanMs: RETENTION_MS.outbox });
    if (handlers.length > 0) await pruneInbox(this.database, { olderThanMs: RETENTION_MS.inbox });
    const removed: number[] = [];
    if (idempotencyKeys) {
      const hours = RETENTION_MS.idempotencyKeys / HOUR_MS;
      removed.push(await pruneIdempotency(this.database, hours, ROWS_PER_TURN_MAX));
    }
    for (const { table, column, keepMs } of retention) removed.push(await this.remove(table, column, keepMs));
    // A full step means that there may be more.
    return removed.includes(ROWS_PER_TURN_MAX) ? 0 : undefined;
  }

  private async remove(table: string, column: string, keepMs: number): Promise<number> {
    const rows = await this.database.query(
      `delete from ${table} where ctid = any(array(
         select ctid from ${table} where ${column} < now() - $1 * interval '1 millisecond' limit $2))
       returning 1`,
      [keepMs, ROWS_PER_TURN_MAX],
    );
    return rows.length;
  }
}
