// Goal: the model of Postgres does what the statements of expiry, payments, late payments, refunds, cancellation, returns
// and the sweeper do. Method: the service's own classes run the same commands over a real Postgres and over the model;
// every answer, every report to the gate and every row is compared after each.
import fc from 'fast-check';
import { runOnMachine } from '@gravity/kernel';
import { type Database, migrate, openDatabase } from '@gravity/persistence';
import { freshDatabase, type FreshDatabase } from '@gravity/testing';
import { Logger } from '@nestjs/common';
import { ordersMigrations } from '../../apps/orders/src/storage/migrations';
import { createSale, type Sale } from '../../apps/orders/test/support/sale-fixture';
import { gateStatements } from '../../tools/simulate/model-gate-statements';
import { orderStatements } from '../../tools/simulate/model-order-statements';
import type { ModelPostgres } from '../../tools/simulate/model-postgres';
import { modelDatabase, modelOf, type Terms, timed, wholeMs } from './model-database';
import { type Books, type Command, MoneySide, ORDERS } from './money-side';

let fresh: FreshDatabase;
let database: Database;
let restore: () => void;

beforeAll(async () => {
  fresh = await freshDatabase('simulation-money');
  await migrate({ url: fresh.url, service: 'orders', migrations: ordersMigrations });
  database = openDatabase({ url: fresh.url, applicationName: 'simulation-spec' });
  Logger.overrideLogger(false);
  // Late payments wait for a unit that rests: here nobody has to.
  const sleep = (): Promise<void> => Promise.resolve();
  const soon = (work: () => void): void => void setImmediate(work);
  restore = runOnMachine({ wallMs: () => Date.now(), monotonicMs: () => performance.now(), soon, sleep });
});

afterAll(async () => {
  restore();
  await database.close();
  await fresh.drop();
});

const LONG_AGO_MS = 1_000_000_000;

function realBooks(sale: Sale): Books {
  return {
    age: async (orderId, agoMs) => {
      await database.query(
        `update orders set expires_at = now() - make_interval(secs => $2 / 1000.0),
           closed_at = closed_at - make_interval(secs => $2 / 1000.0),
           next_check_at = case when next_check_at is not null then to_timestamp($3 / 1000.0) end where order_id = $1`,
        [orderId, agoMs, LONG_AGO_MS],
      );
    },
    ageRefunds: async () => {
      await database.query(`update refunds set next_attempt_at = to_timestamp($1 / 1000.0)`, [LONG_AGO_MS]);
    },
    all: async () => ({
      orders: await database.query(
        `select order_id, status, close_reason, sequence, check_attempts, ${wholeMs('next_check_at')} as next_check,
           paid_at is not null as paid, closed_at is not null as closed from orders order by order_id`,
      ),
      items: await database.query(
        `select held, sold, released, epoch::text as epoch, admission from round_items order by item_id`,
      ),
      wins: await database.query(`select buyer_id, wins from series_wins order by buyer_id`),
      tombstones: await database.query(
        `select claim_id, epoch::text as epoch, admission_number::text as number from claim_tombstones order by 1, 2, 3`,
      ),
      returns: await database.query(`select claim_id, item_id from gate_returns order by claim_id`),
      intents: await database.query(
        `select intent_id, order_id, pay_url, status, charge_id from payment_intents order by intent_id`,
      ),
      callbacks: await database.query(`select event_id, outcome from payment_callbacks order by event_id collate "C"`),
      late: await database.query(`select order_id, claim_id, decision from late_payments order by order_id`),
      refunds: await database.query(
        `select refund_id, order_id, charge_id, amount_minor::text as minor, status, attempts,
           ${wholeMs('next_attempt_at')} as next_attempt from refunds order by refund_id`,
      ),
      series: await database.query(
        `select epoch::text as epoch, admission, gate_run_id from series where series_id = $1`,
        [sale.seriesId],
      ),
    }),
  };
}

function modelBooks({ store: { tables } }: ModelPostgres): Books {
  const text = (ms: number | null): string | null => (ms === null ? null : String(ms));
  const rows = <V, R>(table: ReadonlyMap<string, V>, key: (row: V) => string, shown: (row: V) => R): R[] =>
    [...table.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1)).map(shown);
  return {
    age: async (orderId, agoMs) => {
      const order = tables.orders.get(orderId);
      if (order === undefined) return;
      const closed_ms = order.closed_ms === null ? null : order.closed_ms - agoMs;
      const next_check_ms = order.next_check_ms === null ? null : LONG_AGO_MS;
      tables.orders.set(orderId, { ...order, expires_ms: Date.now() - agoMs, closed_ms, next_check_ms });
    },
    ageRefunds: async () => {
      for (const [id, row] of tables.refunds) tables.refunds.set(id, { ...row, next_attempt_ms: LONG_AGO_MS });
    },
    all: async () => ({
      orders: rows(
        tables.orders,
        (o) => o.order_id,
        (o) => ({
          ...{ order_id: o.order_id, status: o.status, close_reason: o.close_reason, sequence: o.sequence },
          ...{ check_attempts: o.check_attempts, next_check: text(o.next_check_ms) },
          ...{ paid: o.paid_ms !== null, closed: o.closed_ms !== null },
        }),
      ),
      items: rows(
        tables.items,
        (i) => i.item_id,
        ({ held, sold, released, epoch, admission }) => {
          return { held, sold, released, epoch: String(epoch), admission };
        },
      ),
      wins: rows(
        tables.wins,
        (w) => w.buyer_id,
        ({ buyer_id, wins }) => ({ buyer_id, wins }),
      ),
      tombstones: rows(
        tables.tombstones,
        (t) => `${t.claim_id} ${t.epoch} ${t.admission_number}`,
        (t) => {
          return { claim_id: t.claim_id, epoch: t.epoch, number: t.admission_number };
        },
      ),
      returns: rows(
        tables.returns,
        (r) => r.claim_id,
        ({ claim_id, item_id }) => ({ claim_id, item_id }),
      ),
      intents: rows(
        tables.intents,
        (i) => i.intent_id,
        (i) => {
          return {
            intent_id: i.intent_id,
            order_id: i.order_id,
            pay_url: i.pay_url,
            status: i.status,
            charge_id: i.charge_id,
          };
        },
      ),
      callbacks: rows(
        tables.callbacks,
        (c) => c.event_id,
        ({ event_id, outcome }) => ({ event_id, outcome }),
      ),
      late: rows(
        tables.late,
        (l) => l.order_id,
        ({ order_id, claim_id, decision }) => ({ order_id, claim_id, decision }),
      ),
      refunds: rows(
        tables.refunds,
        (r) => r.refund_id,
        (r) => ({
          ...{ refund_id: r.refund_id, order_id: r.order_id, charge_id: r.charge_id, minor: r.minor, status: r.status },
          ...{ attempts: r.attempts, next_attempt: text(r.next_attempt_ms) },
        }),
      ),
      series: [...tables.series.values()].map(({ epoch, admission, gate_run_id }) => {
        return { epoch: String(epoch), admission, gate_run_id };
      }),
    }),
  };
}

const compared = new Set<string>();
const heard: string[] = [];

async function compare(terms: Terms, commands: readonly Command[]): Promise<void> {
  await database.query(
    `truncate series, rounds, round_items, orders, order_lines, series_wins, claim_tombstones, gate_returns,
       payment_intents, payment_callbacks, late_payments, refunds, outbox cascade`,
  );
  const { quota, perBuyer, winLimit } = terms;
  const sale = await createSale(database, { quotas: [quota], perBuyerLimit: perBuyer, winLimit });
  // The model knows one price.
  await database.query('update round_items set price_minor = 100');
  const began: number[] = [];
  const real = new MoneySide(
    timed(database, (nowMs) => began.push(nowMs)),
    sale,
    realBooks(sale),
  );
  const store = modelOf(sale, terms);
  const over = modelDatabase(
    store,
    () => began.shift() ?? Date.now(),
    (name) => compared.add(name),
  );
  const model = new MoneySide(over, sale, modelBooks(store));
  for (const next of commands) {
    began.length = 0;
    const answer = await real.run(next);
    heard.push(JSON.stringify(answer));
    expect({ next, answer: await model.run(next) }).toEqual({ next, answer });
    expect({ next, books: await model.books.all() }).toEqual({ next, books: await real.books.all() });
  }
}

const order = fc.nat(ORDERS - 1);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('claim' as const), order }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('open' as const, 'pays' as const), order }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('expire' as const, 'expire-for-good' as const), order }) },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: fc.constant('told' as const), order },
      ...{ charge: fc.constantFrom(1, 1, 2), units: fc.constantFrom(1, 1, 1, 0, 2) },
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cancel' as const), order }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('provider-away' as const, 'provider-back' as const), order }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('refunds' as const, 'returns' as const, 'mend' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('load' as const, 'load' as const, 'direct' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('gate' as const),
      admits: fc.constantFrom('yes' as const, 'no' as const, 'stale' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ do: fc.constant('sweep' as const), order, late: fc.boolean() },
      number: fc.integer({ min: 1, max: ORDERS }),
    }),
  },
);

const TERMS: Terms = { quota: 2, perBuyer: 2, winLimit: null };
const paid = { do: 'told', order: 0, charge: 1, units: 1 } as const;
const begun: readonly Command[] = [{ do: 'load' }, { do: 'claim', order: 0 }, { do: 'open', order: 0 }];

// What chance alone would seldom bring about.
it.each<[string, Partial<Terms>, Command[], string]>([
  ['paid in time, and told twice', {}, [paid, paid], 'duplicate'],
  ['paid late, with a unit free', {}, [{ do: 'expire', order: 0 }, paid], 'late-honoured'],
  ['paid late, under a win limit', { winLimit: 1 }, [{ do: 'expire', order: 0 }, paid], 'late-honoured'],
  [
    'paid late, and given back',
    { quota: 1 },
    [{ do: 'expire', order: 0 }, { do: 'claim', order: 1 }, paid, { do: 'refunds' }, { do: 'refunds' }],
    'late-refunded',
  ],
  [
    'paid late, the gate refuses',
    {},
    [{ do: 'gate', admits: 'no' }, { do: 'expire', order: 0 }, paid],
    'late-refunded',
  ],
  [
    'paid late, under a tombstone',
    {},
    [{ do: 'expire', order: 0 }, { do: 'sweep', order: 0, late: true, number: 1 }, paid],
    'late-refunded',
  ],
  [
    'paid, found out by the sweep of expired orders',
    {},
    [
      { do: 'pays', order: 0 },
      { do: 'expire', order: 0 },
      { do: 'sweep', order: 0, late: false, number: 1 },
    ],
    'confirmed',
  ],
  [
    'paid, found out after it was closed unanswered',
    {},
    [
      ...(['pays', 'provider-away', 'expire', 'expire-for-good', 'provider-back', 'expire'] as const).map(
        (what): Command => ({ do: what, order: 0 }),
      ),
      { do: 'sweep', order: 0, late: true, number: 1 },
    ],
    'confirmed',
  ],
  ['paid too much', {}, [{ ...paid, units: 2 }, { do: 'provider-away', order: 0 }, { do: 'refunds' }], 'discrepancy'],
  [
    'handed out more often than there are units',
    { quota: 1 },
    [
      { do: 'cancel', order: 0 },
      { do: 'claim', order: 1 },
      { do: 'cancel', order: 1 },
    ],
    'CLOSED',
  ],
  [
    'called off, and its units given back',
    {},
    [{ do: 'cancel', order: 0 }, { do: 'returns' }, { do: 'mend' }],
    'released',
  ],
  [
    'given up by the sweeper',
    {},
    [
      { do: 'sweep', order: 1, late: false, number: 2 },
      { do: 'claim', order: 1 },
    ],
    'cancelled',
  ],
])('agrees with a real Postgres: %s', async (_name, terms, commands, outcome) => {
  heard.length = 0;
  await compare({ ...TERMS, ...terms }, [...begun, ...commands]);
  expect(heard.join(' ')).toContain(outcome);
});

it('agrees with a real Postgres under random commands', async () => {
  const terms = fc.record({
    quota: fc.integer({ min: 1, max: 3 }),
    perBuyer: fc.integer({ min: 1, max: 2 }),
    winLimit: fc.constantFrom(null, null, 1, 2),
  });
  const commands = fc.array(command, { minLength: 10, maxLength: 40 });
  await fc.assert(fc.asyncProperty(terms, commands, compare), {
    numRuns: Number(process.env['GRAVITY_PROPERTY_RUNS'] ?? 15),
  });
});

it('leaves no statement of the model uncompared', () => {
  const known = [...orderStatements(), ...gateStatements({})].map(([, { name }]) => name);
  const left = known.filter((name) => !compared.has(name));
  expect(left).toEqual([]);
});
