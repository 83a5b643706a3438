// Tells the gate of units that Postgres has released. A row of `gate_returns` is written in the transaction of the
// release and removed after the gate has applied it. If this process dies in between, another one applies it again.
import { Database } from '@gravity/persistence';
import { Loop } from '@gravity/service';
import { Injectable } from '@nestjs/common';
import { RedisGate } from './redis-gate';

const ROWS_PER_TURN = 1_000;

interface ReturnRow {
  readonly return_id: string | number | bigint;
  readonly claim_id: string;
  readonly series_id: string;
  readonly item_id: string;
  readonly epoch: string | number | bigint;
  readonly admission: 'GATE' | 'DIRECT';
}

@Injectable()
export class ReturnsWorker extends Loop {
  constructor(
    private readonly database: Database,
    private readonly gate: RedisGate,
  ) {
    super({ name: 'gate-returns', pauseMs: 500 });
  }

  /** Applies what is due. Safe in several processes: the gate applies a return once. */
  protected override async turn(): Promise<number | void> {
    const rows = await this.database.query<ReturnRow>(
      `select g.return_id, g.claim_id, g.series_id, g.item_id, s.epoch, s.admission
       from gate_returns g join series s using (series_id) order by g.return_id limit ${ROWS_PER_TURN}`,
    );
    if (rows.length === 0) return;
    // In DIRECT admission there is no gate to tell, and the next load reads Postgres. A row is for the gate of the
    // epoch in force, for the load of an epoch takes earlier rows away; another server may answer: an old primary, or
    // one restored from a snapshot.
    const told = await Promise.allSettled(
      rows.map((row) =>
        row.admission === 'DIRECT'
          ? Promise.resolve(true)
          : this.gate.report(row.series_id, row.item_id, row.claim_id, { epoch: BigInt(row.epoch) }, 'released'),
      ),
    );
    const isDone = (result: PromiseSettledResult<boolean>): boolean => result.status === 'fulfilled' && result.value;
    const done = rows.filter((_, index) => isDone(told[index]!)).map((row) => String(row.return_id));
    if (done.length > 0)
      await this.database.query(`delete from gate_returns where return_id = any($1::bigint[])`, [done]);
    const failed = told.find((result) => result.status === 'rejected');
    if (failed !== undefined && done.length === 0) throw failed.reason as Error;
    if (rows.length === ROWS_PER_TURN && done.length > 0) return 0;
  }
}
