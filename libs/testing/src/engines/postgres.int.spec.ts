import { Client } from 'pg';
import type { EngineHandle } from './engine';
import { engines, freshDatabase, freshPostgres } from './fresh';

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 500, query_timeout: 500 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    // Not awaited: a frozen server does not close the connection.
    void client.end().catch(() => undefined);
  }
}

describe('a private Postgres', () => {
  let handle: EngineHandle;

  beforeAll(async () => {
    handle = await freshPostgres();
    await query(handle.url, 'create table t (n int)');
  });

  afterAll(() => handle.stop());

  it('is durable, asks for a password, and listens on loopback only', async () => {
    const wanted = {
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      listen_addresses: '127.0.0.1',
      data_checksums: 'on',
    };
    for (const [name, value] of Object.entries(wanted))
      expect(await query(handle.url, `show ${name}`)).toEqual([{ [name]: value }]);
    const wrong = new URL(handle.url);
    wrong.password = 'wrong';
    await expect(query(wrong.toString(), 'select 1')).rejects.toThrow(/password authentication failed/);
  });

  it('keeps what was committed over kill -9 and over a restart', async () => {
    await query(handle.url, 'insert into t values (1)');
    await handle.kill();
    await expect(query(handle.url, 'select 1')).rejects.toThrow();
    await handle.start();
    await handle.restart();
    expect(await query(handle.url, 'select n from t')).toEqual([{ n: 1 }]);
  });

  it('freezes open connections too when paused', async () => {
    const open = new Client({ connectionString: handle.url, query_timeout: 300 });
    await open.connect();
    await handle.pause();
    await expect(open.query('select 1')).rejects.toThrow();
    await handle.resume();
    await open.end();
    expect(await query(handle.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('handles letters beyond ASCII', async () => {
    await query(handle.url, 'create extension pg_trgm');
    expect(await query(handle.url, "select cardinality(show_trgm('茅台酒')) > 0 as ok, upper('é') as up")).toEqual([
      { ok: true, up: 'É' },
    ]);
  });
});

describe('freshDatabase', () => {
  it('creates an empty database and drops it while a client is connected', async () => {
    const database = await freshDatabase('Some Spec: with names');
    const client = new Client({ connectionString: database.url });
    client.on('error', () => undefined);
    await client.connect();
    expect((await client.query('select current_database() as d')).rows).toEqual([{ d: database.name }]);
    await database.drop();
    expect(await query(engines().databaseUrl, `select 1 from pg_database where datname = '${database.name}'`)).toEqual(
      [],
    );
  });
});
