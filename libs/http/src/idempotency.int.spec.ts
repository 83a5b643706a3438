// One key, one effect, on the real Postgres.
import { err, ok } from '@gravity/kernel';
import { type Database, openDatabase } from '@gravity/persistence';
import { type FreshDatabase, freshDatabase } from '@gravity/testing';
import { fingerprintOf, idempotencyDdl, pruneIdempotency, runIdempotent } from '.';

let fresh: FreshDatabase;
let database: Database;

beforeAll(async () => {
  fresh = await freshDatabase('idempotency');
  database = openDatabase({ url: fresh.url, applicationName: 'idempotency' });
  for (const statement of idempotencyDdl()) await database.query(statement);
  await database.query('CREATE TABLE effect (n int)');
});

afterAll(async () => {
  await database.close();
  await fresh.drop();
});

const effects = async (): Promise<number> => (await database.query('SELECT 1 FROM effect')).length;

function run(
  key: string,
  request: unknown,
  options: { refuse?: boolean; slowMs?: number; crash?: boolean; caller?: string } = {},
) {
  const command = {
    caller: options.caller ?? 'op_1',
    operation: 'createSeries',
    key,
    fingerprint: fingerprintOf(request),
  };
  return database.transaction((tx) =>
    runIdempotent(tx, command, async () => {
      if (options.refuse === true) return err({ code: 'invalid-transition', detail: 'no' } as const);
      await tx.query('INSERT INTO effect VALUES (1)');
      if (options.slowMs !== undefined) await new Promise((resolve) => setTimeout(resolve, options.slowMs));
      if (options.crash === true) throw new Error('crash');
      return ok({ status: 201, body: { id: 'ser_1', nested: [1, { a: null }] } });
    }),
  );
}

it('replays the answer, refuses another payload, keeps callers apart', async () => {
  const body = { id: 'ser_1', nested: [1, { a: null }] };
  expect(await run('k1', { a: 1 })).toEqual({ ok: true, value: { status: 201, body, replayed: false } });
  expect(await run('k1', { a: 1 })).toEqual({ ok: true, value: { status: 201, body, replayed: true } });
  expect(await run('k1', { a: 2 })).toMatchObject({ ok: false, error: { code: 'idempotency-key-reused' } });
  expect(await effects()).toBe(1);
  expect(await run('k1', { a: 2 }, { caller: 'op_2' })).toMatchObject({ ok: true, value: { replayed: false } });
});

it('stores nothing for a refusal or a crash', async () => {
  const before = await effects();
  expect(await run('k2', {}, { refuse: true })).toMatchObject({ ok: false, error: { code: 'invalid-transition' } });
  await expect(run('k2', {}, { crash: true })).rejects.toThrow('crash');
  expect(await effects()).toBe(before);
  expect(await run('k2', {})).toMatchObject({ ok: true, value: { replayed: false } });
});

it('lets simultaneous requests wait for the first and then share its answer', async () => {
  const before = await effects();
  const answers = await Promise.all([...Array(8).keys()].map(() => run('k3', {}, { slowMs: 50 })));
  expect(answers.filter((answer) => answer.ok && !answer.value.replayed)).toHaveLength(1);
  expect(answers.every((answer) => answer.ok)).toBe(true);
  expect(await effects()).toBe(before + 1);
  const [crashed, next] = await Promise.allSettled([run('k4', {}, { slowMs: 50, crash: true }), run('k4', {})]);
  expect([crashed?.status, next?.status]).toContain('fulfilled');
  expect(await run('k4', {})).toMatchObject({ ok: true, value: { replayed: true } });
});

it('deletes old keys in bounded steps', async () => {
  await database.query("UPDATE idempotency_key SET created_at = now() - interval '100 hours'");
  expect(await database.transaction((tx) => pruneIdempotency(tx, 1, 2))).toBe(2);
});
