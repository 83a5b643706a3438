// Goal: processes of the release before `dead_letters` run beside new ones. Method: the SQL of that release, word for word,
// against a database that is migrated under its open sessions, beside the library's own functions.
import { newUuid } from '@gravity/kernel';
import { deadLettersDdl, discardDeadLetters, listDeadLetters, replayDeadLetters } from '@gravity/messaging';
import { type Database, migrate, openDatabase } from '@gravity/persistence';
import { freshDatabase, type FreshDatabase } from '@gravity/testing';
import { Client } from 'pg';
import { DeadLetters1764000000007, ordersMigrations } from '.';
import { deadLetters, parkedMessagesAgain } from './0007-dead-letters.sql';

const COLUMNS = `id, consumer, event_id as "eventId", topic, partition, "offset", key, type, payload,
  headers, reason, attempts, status, parked_at as "parkedAt"`;

const OLD = {
  admit: `
  with input as (
    select * from unnest($2::uuid[], $3::text[], $4::text[]) as i(event_id, topic, key)
  ), blocked as (
    select distinct p.topic, p.key from parked_messages p
    where p.consumer = $1 and p.status in ('PARKED', 'REPLAY') and p.topic = any($3) and p.key = any($4)
  ), fresh as (
    insert into inbox (consumer, event_id)
    select $1, i.event_id from input i
    where not exists (select 1 from blocked b where b.topic = i.topic and b.key = i.key)
      and not exists (select 1 from parked_messages p where p.consumer = $1 and p.event_id = i.event_id)
    on conflict do nothing
    returning event_id
  )
  select event_id::text as fresh, null as topic, null as key from fresh
  union all
  select null, topic, key from blocked`,
  park: `
  insert into parked_messages (consumer, event_id, topic, partition, "offset", key, type, payload, headers, reason, attempts, status)
  select $1, m.event_id, m.topic, m.partition, m."offset", m.key, m.type, m.payload, m.headers::jsonb, m.reason, m.attempts, 'PARKED'
  from unnest($2::uuid[], $3::text[], $4::int[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::int[])
    with ordinality as m(event_id, topic, partition, "offset", key, type, payload, headers, reason, attempts, n)
  where not exists (select 1 from inbox i where i.consumer = $1 and i.event_id = m.event_id)
  order by m.n
  on conflict (consumer, event_id) do nothing
  returning 1`,
  list: `select ${COLUMNS} from parked_messages
     where ($1::text is null or consumer = $1) and ($2::text is null or status = $2) and ($3::text is null or key = $3)
       and id > $4
     order by id limit $5`,
  mark: `update parked_messages set status = $4, updated_at = now()
     where consumer = $1 and ($2::uuid is null or event_id = $2) and ($3::text is null or key = $3) and status = any($5)
     returning 1`,
  next: `
  select ${COLUMNS} from parked_messages p
  where p.consumer = $1 and (p.status = 'REPLAY' or (p.status = 'PARKED' and p.attempts = 0))
    and not exists (
      select 1 from parked_messages before
      where before.consumer = p.consumer and before.topic = p.topic and before.key = p.key
        and before.status in ('PARKED', 'REPLAY') and before.id < p.id)
  order by p.id limit 1
  for update skip locked`,
  replayed: `update parked_messages set status = 'REPLAYED', updated_at = now() where id = $1`,
  failed: `update parked_messages set status = 'PARKED', attempts = attempts + 1, reason = $2, updated_at = now()
       where id = $1 and status in ('PARKED', 'REPLAY')`,
} as const;

const CONSUMER = 'orders';
const TOPIC = 'catalog.sku';
const BEFORE = ordersMigrations.filter((migration) => migration !== DeadLetters1764000000007);

let fresh: FreshDatabase;
let database: Database;
/** Two sessions of old processes, opened before the migration. */
let old: Client;
let otherOld: Client;

beforeAll(async () => {
  fresh = await freshDatabase('dead-letters');
  await migrate({ url: fresh.url, service: 'orders', migrations: BEFORE });
  database = openDatabase({ url: fresh.url, applicationName: 'spec' });
  [old, otherOld] = [new Client({ connectionString: fresh.url }), new Client({ connectionString: fresh.url })];
  for (const client of [old, otherOld]) await client.connect();
});

afterAll(async () => {
  for (const client of [old, otherOld]) await client?.end();
  await database?.close();
  await fresh?.drop();
});

/** As the driver of old processes sends it: prepared once per session. */
const run = async (
  client: Client,
  statement: keyof typeof OLD,
  values: unknown[],
): Promise<Record<string, unknown>[]> =>
  (await client.query<Record<string, unknown>>({ name: `old-${statement}`, text: OLD[statement], values })).rows;

const park = (eventId: string, key: string, attempts: number): Promise<unknown[]> =>
  run(old, 'park', [
    CONSUMER,
    ...[[eventId], [TOPIC], [0], ['7'], [key], ['catalog.sku.listed.v1'], ['{}'], ['{}'], ['spec'], [attempts]],
  ]);
const admit = (eventId: string, key: string): Promise<unknown[]> =>
  run(old, 'admit', [CONSUMER, [eventId], [TOPIC], [key]]);
const oldList = (): Promise<Record<string, unknown>[]> => run(old, 'list', [CONSUMER, null, null, 0, 500]);

/** Failed, and one that waits behind it. */
const [first, second] = [newUuid(), newUuid()];

it('a session of the earlier release goes on with its prepared statements while the table is renamed', async () => {
  expect(await park(first, 'a', 3)).toHaveLength(1);
  expect(await admit(newUuid(), 'b')).toEqual([{ fresh: expect.any(String), topic: null, key: null }]);
  expect(await run(old, 'next', [CONSUMER])).toEqual([]);
  expect(await oldList()).toHaveLength(1);

  const { applied } = await migrate({ url: fresh.url, service: 'orders', migrations: ordersMigrations });
  expect(applied).toEqual(['DeadLetters1764000000007']);

  expect(await park(second, 'a', 0)).toHaveLength(1);
  expect(await park(second, 'a', 0)).toEqual([]);
  expect(await admit(newUuid(), 'a')).toEqual([{ fresh: null, topic: TOPIC, key: 'a' }]);
  expect(await admit(newUuid(), 'c')).toEqual([{ fresh: expect.any(String), topic: null, key: null }]);
  expect((await oldList()).map(({ eventId, parkedAt }) => [eventId, parkedAt instanceof Date])).toEqual([
    [first, true],
    [second, true],
  ]);
});

it('both releases see the same dead letters, and either one marks them', async () => {
  const seen = await listDeadLetters(database, { consumer: CONSUMER });
  expect(seen.map(({ eventId, attempts, status }) => [eventId, attempts, status])).toEqual([
    [first, 3, 'PARKED'],
    [second, 0, 'PARKED'],
  ]);
  expect(await replayDeadLetters(database, { consumer: CONSUMER, eventId: first })).toBe(1);
  const [next] = await run(old, 'next', [CONSUMER]);
  expect(next).toMatchObject({ eventId: first, status: 'REPLAY' });
  await run(old, 'failed', [next!['id'], 'again']);
  const [failed] = await listDeadLetters(database, { consumer: CONSUMER });
  expect(failed).toMatchObject({ status: 'PARKED', attempts: 4, reason: 'again' });
  expect(await run(old, 'mark', [CONSUMER, first, null, 'REPLAY', ['PARKED']])).toHaveLength(1);
});

it('a message that one session handles is locked for the others, with its whole key', async () => {
  await old.query('begin');
  const [mine] = await run(old, 'next', [CONSUMER]);
  expect(mine).toMatchObject({ eventId: first });
  // The table itself, as a new process reads it, and the view in another old session.
  expect(await run(otherOld, 'next', [CONSUMER])).toEqual([]);
  const newNext = OLD.next.replaceAll('parked_messages', 'dead_letters').replace('parked_at', 'created_at');
  expect((await otherOld.query(newNext, [CONSUMER])).rows).toEqual([]);
  await run(old, 'replayed', [mine!['id']]);
  await old.query('commit');
  // The first one is done, so the one behind it is next.
  expect(await run(otherOld, 'next', [CONSUMER])).toEqual([expect.objectContaining({ eventId: second })]);
  expect(await discardDeadLetters(database, { consumer: CONSUMER, eventId: second })).toBe(1);
  expect(await run(otherOld, 'next', [CONSUMER])).toEqual([]);
});

it('the partial index serves the view', async () => {
  const { rows } = await old
    .query<{ 'QUERY PLAN': string }>(
      `begin; set local enable_seqscan = off;
     explain select distinct p.topic, p.key from parked_messages p
       where p.consumer = 'orders' and p.status in ('PARKED', 'REPLAY') and p.topic = any('{x}') and p.key = any('{y}');
     commit`,
    )
    .then((results) => (results as unknown as { rows: { 'QUERY PLAN': string }[] }[])[2]!);
  expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('dead_letters_waiting');
});

it('the way back and forth again keeps every row', async () => {
  const before = await oldList();
  expect(before).toHaveLength(2);
  for (const statement of parkedMessagesAgain) await old.query(statement);
  expect(await oldList()).toEqual(before);
  for (const statement of deadLetters) await old.query(statement);
  expect(await oldList()).toEqual(before);
});

it('a migrated database has the table of a new one, by column, index and constraint', async () => {
  const shape = `
    select 'column ' || column_name || ' ' || data_type || ' ' || is_nullable as part from information_schema.columns
      where table_name = 'dead_letters' and table_schema = current_schema()
    union all select indexdef from pg_indexes where tablename = 'dead_letters' and schemaname = current_schema()
    union all select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
      where conrelid = 'dead_letters'::regclass and contype <> 'n'
    union all select pg_get_serial_sequence('dead_letters', 'id')
    order by 1`;
  const partsOf = async (client: Client): Promise<string[]> =>
    (await client.query<{ part: string }>(shape)).rows.map(({ part }) => part.replaceAll(/\b(public|made)\./g, ''));
  const migrated = await partsOf(old);
  await otherOld.query('create schema made; set search_path = made');
  await otherOld.query(deadLettersDdl());
  expect(migrated.length).toBeGreaterThan(19);
  expect(migrated).toEqual(await partsOf(otherOld));
});
