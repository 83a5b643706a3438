// Goal: rows are removed at the age that the retention says, and no sooner. Method: rows on both sides of each limit,
// more of them than one step removes, and the retention loop at work on the real Postgres.
import { Retention, RETENTION_MS } from '@gravity/service';
import { eventually } from '@gravity/testing';
import { ordersService } from '../src/orders.service';
import { roundsFixture, type RoundsFixture } from './support/rounds-fixture';

const HOUR_MS = 3_600_000;
const MORE_THAN_A_STEP = 10_001;
const DAY_MS = 24 * HOUR_MS;

let fix: RoundsFixture;
let retention: Retention;

beforeAll(async () => {
  fix = await roundsFixture('retention');
  retention = new Retention(ordersService, fix.database);
});

afterAll(async () => {
  await retention.stop();
  await fix.close();
});

/** Inserts `count` rows whose age is `ageMs`; `columns` and `values` are those of one row without its time. */
async function insert(table: string, columns: string, values: string, ageMs: number, count = 1): Promise<void> {
  await fix.database.query(
    `insert into ${table} (${columns}) select ${values}, now() - $1 * interval '1 millisecond' from generate_series(1, $2)`,
    [ageMs, count],
  );
}

async function count(table: string): Promise<number> {
  const [row] = await fix.database.query<{ rows: number }>(`select count(*)::int as rows from ${table}`);
  return row!.rows;
}

it.each([
  {
    table: 'claim_tombstones',
    columns: 'claim_id, admission_number, epoch, created_at',
    values: 'gen_random_uuid(), 1, 1',
    keepMs: DAY_MS,
  },
  {
    table: 'payment_callbacks',
    columns: 'provider, event_id, type, outcome, received_at',
    values: `'sandbox', gen_random_uuid()::text, 'payment.succeeded', 'PAID'`,
    keepMs: 90 * DAY_MS,
  },
  {
    table: 'inbox',
    columns: 'consumer, event_id, received_at',
    values: `'orders', gen_random_uuid()`,
    keepMs: RETENTION_MS.inbox,
  },
  {
    table: 'idempotency_key',
    columns: 'caller, operation, key, fingerprint, created_at',
    values: `'op_1', 'createSeries', gen_random_uuid()::text, 'f'`,
    keepMs: RETENTION_MS.idempotencyKeys,
  },
])('forgets old rows of $table, all of them, and keeps younger ones', async ({ table, columns, values, keepMs }) => {
  await fix.database.query(`delete from ${table}`);
  await insert(table, columns, values, keepMs + HOUR_MS, MORE_THAN_A_STEP);
  await insert(table, columns, values, keepMs - HOUR_MS, 3);
  retention.start();
  await eventually(async () => expect(await count(table)).toBe(3));
  await retention.stop();
});

it('forgets published events only, however old the others are', async () => {
  const columns = 'event_id, topic, key, type, payload, occurred_at, created_at';
  const values = `gen_random_uuid(), 'orders.order', 'k', 'orders.order.placed.v1', '{}', now()`;
  await fix.database.query('delete from outbox');
  await insert('outbox', columns, values, RETENTION_MS.outbox + HOUR_MS, 20);
  const [{ middle }] = (await fix.database.query<{ middle: number }>(
    'select min(id)::int + 9 as middle from outbox',
  )) as [{ middle: number }];
  await fix.database.query(
    `insert into outbox_cursor (relay, position) values ('main', $1)
     on conflict (relay) do update set position = excluded.position`,
    [middle],
  );
  retention.start();
  await eventually(async () => expect(await count('outbox')).toBe(10));
  await retention.stop();
});
