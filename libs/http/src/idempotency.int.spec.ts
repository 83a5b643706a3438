// Goal: equal requests have equal digests, and old keys are removed in bounded steps. Method: a real Postgres.
import { type Database, openDatabase } from '@gravity/persistence';
import { type FreshDatabase, freshDatabase } from '@gravity/testing';
import { fingerprintOf, idempotencyDdl, pruneIdempotency } from '.';

let fresh: FreshDatabase;
let database: Database;

beforeAll(async () => {
  fresh = await freshDatabase('idempotency');
  database = openDatabase({ url: fresh.url, applicationName: 'idempotency' });
  for (const statement of idempotencyDdl()) await database.query(statement);
});

afterAll(async () => {
  await database.close();
  await fresh.drop();
});

it('digests a request in any order of its members', () => {
  expect(fingerprintOf({ a: 1, b: { c: [1], d: null } })).toBe(fingerprintOf({ b: { d: null, c: [1] }, a: 1 }));
  expect(fingerprintOf({ a: [1, 2] })).not.toBe(fingerprintOf({ a: [2, 1] }));
});

it('forgets old keys in bounded steps, and no young ones', async () => {
  await database.query(
    `INSERT INTO idempotency_key (caller, operation, key, fingerprint, created_at)
     SELECT 'op_1', 'createSeries', 'key ' || n, '', now() - n * interval '50 hours' FROM generate_series(0, 4) n`,
  );
  const prune = (): Promise<number> => database.transaction((tx) => pruneIdempotency(tx, 1, 2));
  expect([await prune(), await prune(), await prune()]).toEqual([2, 1, 0]);
  const left = await database.query<{ key: string }>('SELECT key FROM idempotency_key ORDER BY key');
  expect(left.map(({ key }) => key)).toEqual(['key 0', 'key 1']);
});
