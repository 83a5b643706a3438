// History has an end: removes what nobody can ask for any more, in bounded steps. Orders, refunds and late payments stay.
import { pruneIdempotency } from '@gravity/http';
import { pruneInbox, pruneOutbox } from '@gravity/messaging';
import type { Database } from '@gravity/persistence';
import { Loop } from './loop';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PAUSE_MS = 600_000;
const ROWS_PER_TURN = 10_000;

/** For how long rows are kept at least, in milliseconds. */
export const RETENTION_MS = {
  /** Published events. */
  outbox: DAY_MS,
  /** Longer than Kafka's default retention of seven days: no message can come again after its row is gone. */
  inbox: 8 * DAY_MS,
  /** Answers of commands other than claims, whose answer is the order. */
  idempotencyKeys: 72 * HOUR_MS,
  /** An admission is settled within seconds of its note; nobody can bring one from yesterday. */
  tombstones: DAY_MS,
  /** A signature is good for minutes and providers repeat for days; what happened to an order is in its own rows. */
  callbacks: 90 * DAY_MS,
} as const;

export class Pruner extends Loop {
  constructor(private readonly database: Database) {
    super({ name: 'orders-pruner', pauseMs: PAUSE_MS });
  }

  protected override async turn(): Promise<number | void> {
    await pruneOutbox(this.database, { olderThanMs: RETENTION_MS.outbox });
    await pruneInbox(this.database, { olderThanMs: RETENTION_MS.inbox });
    const removed = [
      await pruneIdempotency(this.database, RETENTION_MS.idempotencyKeys / HOUR_MS, ROWS_PER_TURN),
      await this.remove('claim_tombstones', 'created_at', RETENTION_MS.tombstones),
      await this.remove('payment_callbacks', 'received_at', RETENTION_MS.callbacks),
    ];
    // A full step means that there may be more.
    return removed.includes(ROWS_PER_TURN) ? 0 : undefined;
  }

  private async remove(table: string, column: string, olderThanMs: number): Promise<number> {
    const rows = await this.database.query(
      `delete from ${table} where ctid = any(array(
         select ctid from ${table} where ${column} < now() - $1 * interval '1 millisecond' limit $2))
       returning 1`,
      [olderThanMs, ROWS_PER_TURN],
    );
    return rows.length;
  }
}
