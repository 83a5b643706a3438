// The model of Postgres and a real one, side by side: the same classes run over both.
import type { Database, Tx } from '@gravity/persistence';
import type { Sale } from '../../apps/orders/test/support/sale-fixture';
import { ModelPostgres } from '../../tools/simulate/model-postgres';
import { Session } from '../../tools/simulate/model-tables';

export interface Terms {
  readonly quota: number;
  readonly perBuyer: number;
  readonly winLimit: number | null;
}

/** The model as a Database, one statement after the other; `beganAt` is the time at which a transaction begins. */
export function modelDatabase(
  model: ModelPostgres,
  beganAt: () => number = Date.now,
  onStatement: (name: string) => void = () => undefined,
): Database {
  const run = (session: Session, text: string, params: readonly unknown[] = []): object[] => {
    const statement = model.statement(text);
    onStatement(statement.name);
    return statement.run(session, params, Date.now());
  };
  return {
    query: async (text: string, params?: readonly unknown[]) => {
      const session = new Session(model.store, beganAt());
      const rows = run(session, text, params);
      session.commit();
      return rows;
    },
    transaction: async (work: (tx: Tx) => Promise<unknown>) => {
      const session = new Session(model.store, beganAt());
      const result = await work({ query: async (text: string, params) => run(session, text, params) } as Tx);
      session.commit();
      return result;
    },
  } as unknown as Database;
}

/** The same database; every transaction tells its now(), in whole milliseconds. */
export function timed(database: Database, onBegin: (nowMs: number) => void): Database {
  const transaction = <T>(work: (tx: Tx) => Promise<T>): Promise<T> =>
    database.transaction(async (tx) => {
      const [row] = await tx.query<{ ms: string }>(`select ${wholeMs('now()')} as ms`);
      onBegin(Number(row!.ms));
      return work(tx);
    });
  return {
    query: (text: string, params?: readonly unknown[]) => transaction((tx) => tx.query(text, params)),
    transaction,
  } as unknown as Database;
}

/** SQL: a time as milliseconds since the Unix epoch, cut off as the model's are. */
export const wholeMs = (column: string): string => `floor(extract(epoch from ${column}) * 1000)::text`;

/** The model with the sale in it, as `createSale` writes it. */
export function modelOf(sale: Sale, terms: Terms): ModelPostgres {
  const model = new ModelPostgres();
  const { tables } = model.store;
  const [series_id, round_id, now] = [sale.seriesId, sale.roundId, Date.now()];
  tables.series.set(series_id, { series_id, epoch: 0, admission: 'GATE', gate_run_id: null, changed_ms: now });
  tables.rounds.set(round_id, {
    round_id,
    series_id,
    status: 'OPEN',
    opens_ms: now - 1_000,
    closes_ms: now + 599_000,
    payment_window_seconds: 60,
    win_limit: terms.winLimit,
  });
  for (const item_id of sale.itemIds) {
    tables.items.set(item_id, {
      ...{ item_id, round_id, series_id, quota: terms.quota, held: 0, sold: 0, written_off: 0, released: 0, resold: 0 },
      ...{ first_pass_until: null, selling: true, epoch: 0, admission: 'GATE' },
      ...{ per_order_limit: terms.perBuyer, per_buyer_limit: terms.perBuyer },
    });
  }
  return model;
}
