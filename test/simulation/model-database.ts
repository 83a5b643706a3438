// The model of Postgres as a Database, so that the classes of the service can use it instead of the real one.
import type { Database, Tx } from '@gravity/persistence';
import type { Sale } from '../../apps/orders/test/support/sale-fixture';
import { ModelPostgres } from '../../tools/simulate/model-postgres';
import { Session } from '../../tools/simulate/model-tables';

export interface Terms {
  readonly quota: number;
  readonly perBuyer: number;
  readonly winLimit: number | null;
}

/** The model as a Database that runs one statement after another; `onStatement` gets the name of each. */
export function modelDatabase(model: ModelPostgres, onStatement: (name: string) => void): Database {
  const run = (session: Session, text: string, params: readonly unknown[] = []): object[] => {
    const statement = model.statement(text);
    onStatement(statement.name);
    return statement.run(session, params, Date.now());
  };
  return {
    query: async (text: string, params?: readonly unknown[]) => {
      const session = new Session(model.store, Date.now());
      const rows = run(session, text, params);
      session.commit();
      return rows;
    },
    transaction: async (work: (tx: Tx) => Promise<unknown>) => {
      const session = new Session(model.store, Date.now());
      const result = await work({ query: async (text: string, params) => run(session, text, params) } as Tx);
      session.commit();
      return result;
    },
  } as unknown as Database;
}

/** The model with the rows that `createSale` writes. */
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
      ...{ item_id, round_id, series_id, quota: terms.quota, held: 0, released: 0 },
      ...{ selling: true, epoch: 0, admission: 'GATE' },
      ...{ per_order_limit: terms.perBuyer, per_buyer_limit: terms.perBuyer },
    });
  }
  return model;
}
