// Goal: the model of Postgres behaves like the statements of the claim protocol. Method: the classes of the service run the same
// commands on a real Postgres and on the model; every answer, every report to the gate and every row is compared.
import fc from 'fast-check';
import { type Database, migrate, openDatabase } from '@gravity/persistence';
import { freshDatabase, type FreshDatabase } from '@gravity/testing';
import { ordersMigrations } from '../../apps/orders/src/storage/migrations';
import { createSale } from '../../apps/orders/test/support/sale-fixture';
import { gateStatements } from '../../tools/simulate/model-gate-statements';
import { orderStatements } from '../../tools/simulate/model-order-statements';
import type { ModelPostgres } from '../../tools/simulate/model-postgres';
import { modelDatabase, modelOf, type Terms } from './model-database';
import { type Rows, type ClaimCommand, CLAIMS, type Command, ProtocolSide } from './protocol-side';

let fresh: FreshDatabase;
let database: Database;

beforeAll(async () => {
  fresh = await freshDatabase('simulation');
  await migrate({ url: fresh.url, service: 'orders', migrations: ordersMigrations });
  database = openDatabase({ url: fresh.url, applicationName: 'simulation-spec' });
});

afterAll(async () => {
  await database.close();
  await fresh.drop();
});

const LONG_AGO_MS = 1_000_000;

function realRows(): Rows {
  const read = (sql: string): Promise<unknown[]> => database.query(sql);
  return {
    expire: async (orderId) => {
      const sql = `update orders set expires_at = now() - make_interval(secs => $2 / 1000.0) where order_id = $1`;
      await database.query(sql, [orderId, LONG_AGO_MS]);
    },
    all: async () => ({
      orders: await read(
        `select order_id, status, close_reason, sequence, quantity, closed_at is not null as closed from orders order by 1`,
      ),
      items: await read(
        `select item_id, held, released, epoch::text as epoch, admission from round_items order by item_id`,
      ),
      wins: await read(`select buyer_id, wins from series_wins order by buyer_id`),
      tombstones: await read(
        `select claim_id, epoch::text as epoch, admission_number::text as number from claim_tombstones order by 1, 2, 3`,
      ),
      returns: await read(`select claim_id, item_id from gate_returns order by claim_id`),
      series: await read(`select epoch::text as epoch, admission, gate_run_id from series`),
    }),
  };
}

function modelRows({ store: { tables } }: ModelPostgres): Rows {
  const rows = <V, R>(table: ReadonlyMap<string, V>, key: (row: V) => string, shown: (row: V) => R): R[] =>
    [...table.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1)).map(shown);
  return {
    expire: async (orderId) => {
      const order = tables.orders.get(orderId);
      if (order !== undefined) tables.orders.set(orderId, { ...order, expires_ms: Date.now() - LONG_AGO_MS });
    },
    all: async () => ({
      orders: rows(
        tables.orders,
        (row) => row.order_id,
        ({ order_id, status, close_reason, sequence, quantity, closed_ms }) => {
          return { order_id, status, close_reason, sequence, quantity, closed: closed_ms !== null };
        },
      ),
      items: rows(
        tables.items,
        (row) => row.item_id,
        ({ item_id, held, released, epoch, admission }) => {
          return { item_id, held, released, epoch: String(epoch), admission };
        },
      ),
      wins: rows(
        tables.wins,
        (row) => row.buyer_id,
        ({ buyer_id, wins }) => ({ buyer_id, wins }),
      ),
      tombstones: rows(
        tables.tombstones,
        (row) => `${row.claim_id} ${row.epoch} ${row.admission_number}`,
        ({ claim_id, epoch, admission_number }) => ({ claim_id, epoch, number: admission_number }),
      ),
      returns: rows(
        tables.returns,
        (row) => row.claim_id,
        ({ claim_id, item_id }) => ({ claim_id, item_id }),
      ),
      series: [...tables.series.values()].map(({ epoch, admission, gate_run_id }) => {
        return { epoch: String(epoch), admission, gate_run_id };
      }),
    }),
  };
}

const compared = new Set<string>();
/** All answers of the real database. */
let answers = '';

async function compare(terms: Terms, commands: readonly Command[]): Promise<void> {
  await database.query(
    `truncate series, rounds, round_items, orders, order_lines, series_wins, claim_tombstones, gate_returns, outbox cascade`,
  );
  const { quota, perBuyer, winLimit } = terms;
  const limits = { perOrderLimit: perBuyer, perBuyerLimit: perBuyer, winLimit };
  const sale = await createSale(database, { quotas: [quota, quota], ...limits });
  const store = modelOf(sale, terms);
  const real = new ProtocolSide(database, sale, realRows());
  const model = new ProtocolSide(
    modelDatabase(store, (name) => compared.add(name)),
    sale,
    modelRows(store),
  );
  for (const next of commands) {
    const answer = await real.run(next);
    answers += JSON.stringify(answer);
    expect({ next, answer: await model.run(next) }).toEqual({ next, answer });
    expect({ next, rows: await model.rows.all() }).toEqual({ next, rows: await real.rows.all() });
  }
}

const TERMS: Terms = { quota: 2, perBuyer: 2, winLimit: null };
const claimOf = (number: number, more: Partial<ClaimCommand> = {}): Command => ({
  do: 'claim',
  batch: [{ number, item: 0, quantity: 1, epochOff: 0, ...more }],
});

// Sequences that random commands rarely produce.
it.each<[string, Partial<Terms>, Command[], string]>([
  [
    'units that are sold again after a cancellation',
    { quota: 1 },
    [claimOf(0), { do: 'cancel', number: 0 }, claimOf(1), { do: 'cancel', number: 1 }],
    'CLOSED',
  ],
  [
    'a cancelled order whose units return to the gate',
    {},
    [claimOf(0), { do: 'cancel', number: 0 }, { do: 'returns' }, { do: 'reconcile' }],
    'released',
  ],
  [
    'a return that the gate does not take',
    {},
    [{ do: 'gate', takesReports: false }, claimOf(0), { do: 'expire', number: 0 }, { do: 'returns' }],
    'released',
  ],
  ['a claim that the sweeper cancels before its decision', {}, [{ do: 'sweep', number: 1 }, claimOf(1)], 'TOMBSTONED'],
  ['a claim that the sweeper finds decided', {}, [claimOf(1), { do: 'sweep', number: 1 }], 'confirmed'],
  [
    'a win that comes back with its order',
    { winLimit: 1 },
    [claimOf(0), claimOf(3), { do: 'expire', number: 0 }, claimOf(6)],
    'ALREADY_WON',
  ],
])('agrees with a real Postgres: %s', async (_name, terms, commands, outcome) => {
  answers = '';
  await compare({ ...TERMS, ...terms }, [{ do: 'load' }, ...commands]);
  expect(answers).toContain(outcome);
});

const number = fc.nat(CLAIMS - 1);
const claim: fc.Arbitrary<ClaimCommand> = fc.record({
  number,
  item: fc.nat(1),
  quantity: fc.integer({ min: 1, max: 2 }),
  epochOff: fc.constantFrom(0, 0, 0, 1),
});
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('claim' as const), batch: fc.array(claim, { minLength: 1, maxLength: 4 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('cancel' as const, 'expire' as const), number }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'returns' as const,
        'load' as const,
        'load' as const,
        'direct' as const,
        'reconcile' as const,
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sweep' as const), number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('gate' as const), takesReports: fc.boolean() }) },
);

it('agrees with a real Postgres under random commands', async () => {
  const terms = fc.record({
    quota: fc.integer({ min: 1, max: 4 }),
    perBuyer: fc.integer({ min: 1, max: 3 }),
    winLimit: fc.constantFrom(null, 1, 2),
  });
  answers = '';
  await fc.assert(fc.asyncProperty(terms, fc.array(command, { minLength: 4, maxLength: 25 }), compare), {
    numRuns: Number(process.env['GRAVITY_PROPERTY_RUNS'] ?? 20),
  });
  // The commands must have had all of these outcomes.
  for (const outcome of ['ACCEPTED', 'REPLAYED', 'STALE_EPOCH', 'SOLD_OUT', 'LIMIT_REACHED'])
    expect(answers).toContain(outcome);
});

it('compares every statement of the model', () => {
  const known = [...orderStatements(), ...gateStatements({})].map(([, { name }]) => name);
  expect(known.filter((name) => !compared.has(name))).toEqual([]);
});
