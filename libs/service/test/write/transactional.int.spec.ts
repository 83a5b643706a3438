// Goal: a write happens once per key, entirely or not at all, under every fault. Method: a small service over REST and gRPC
// on a real Postgres, behind a proxy that loses connections.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { fingerprintOf } from '@gravity/http';
import { bootServices, type RunningServices } from '../../src';
import { type Database, openDatabase } from '@gravity/persistence';
import { freshDatabase, type FreshDatabase, type LocalIssuer, localIssuer, TcpProxy } from '@gravity/testing';
import { NOTES_PROTO, notesDdl, notesService, type NoteView } from './notes.fixture';

interface Answer {
  readonly status: number;
  readonly body: NoteView & { readonly code?: string };
  readonly etag: string | null;
  readonly replayed: boolean;
}

let fresh: FreshDatabase;
let proxy: TcpProxy;
let database: Database;
let issuer: LocalIssuer;
let service: RunningServices;
let operator: string;
let buyer: string;
let folder: string;

beforeAll(async () => {
  [fresh, issuer] = await Promise.all([freshDatabase('writes'), localIssuer()]);
  proxy = await TcpProxy.start({ targetPort: Number(new URL(fresh.url).port) });
  database = openDatabase({ url: fresh.url, applicationName: 'spec' });
  for (const statement of notesDdl()) await database.query(statement);
  folder = mkdtempSync(join(tmpdir(), 'notes-'));
  const protoPath = join(folder, 'notes.proto');
  writeFileSync(protoPath, NOTES_PROTO);
  const env = {
    ...issuer.env,
    NOTES_DATABASE_URL: proxy.through(fresh.url),
    CURSOR_SECRET: 'c'.repeat(32),
    LOG_LEVEL: 'fatal',
  };
  const grpc = { package: 'notes.v1', protoPath, includeDirs: [folder] };
  service = await bootServices([{ ...notesService, grpc }], { env, port: 0, grpcPort: 0 });
  operator = await issuer.mint({ sub: 'op_1', roles: ['operator'] });
  buyer = await issuer.mint({ sub: 'b_1', roles: ['buyer'] });
});

afterAll(async () => {
  await service?.close();
  await database?.close();
  await proxy?.close();
  await fresh?.drop();
  rmSync(folder, { recursive: true, force: true });
});

async function send(
  method: 'POST' | 'PUT',
  path: string,
  body: unknown,
  headers: Record<string, string>,
  token = operator,
): Promise<Answer> {
  const answer = await fetch(`${service.url}/notes/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return {
    status: answer.status,
    body: (await answer.json()) as Answer['body'],
    etag: answer.headers.get('etag'),
    replayed: answer.headers.get('idempotent-replayed') === 'true',
  };
}

const add = (key: string, text: string, token?: string): Promise<Answer> =>
  send('POST', 'notes', { text }, { 'idempotency-key': key }, token);

async function count(table: string, where = 'true', params: readonly unknown[] = []): Promise<number> {
  const [row] = await database.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table} WHERE ${where}`, params);
  return row!.n;
}

describe('a key', () => {
  it('makes one effect and repeats its answer, with its entity tag', async () => {
    const first = await add('k1', 'one');
    const again = await add('k1', 'one');
    expect(first).toMatchObject({ status: 201, etag: '"1"', replayed: false });
    expect(again).toEqual({ ...first, replayed: true });
    expect(await count('notes', `text = 'one'`)).toBe(1);
  });

  it('is shared by simultaneous requests: one works, all get its answer', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => add('k2', 'crowd')));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(await count('notes', `text = 'crowd'`)).toBe(1);
  });

  it('belongs to one request of one caller', async () => {
    await add('k3', 'mine');
    expect(await add('k3', 'other')).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    expect(await add('k3', 'other', buyer)).toMatchObject({ status: 201, replayed: false });
  });

  it('is needed by a POST', async () => {
    expect(await send('POST', 'notes', { text: 'x' }, {})).toMatchObject({ body: { code: 'idempotency-key-missing' } });
  });

  it('of an earlier release answers without a comparison', async () => {
    const body = { id: 'n_old', text: 'old', version: 3 };
    await database.query(
      `INSERT INTO idempotency_key (caller, operation, key, fingerprint, status, body)
       VALUES ('op_1', 'addNote', 'old', $1, 201, $2)`,
      [fingerprintOf({ path: 'unknown', text: 'old' }), JSON.stringify(body)],
    );
    expect(await add('old', 'old')).toEqual({ status: 201, body, etag: '"3"', replayed: true });
    expect(await count('notes', `text = 'old'`)).toBe(0);
  });
});

describe('a request that is refused', () => {
  it('for its input has opened no transaction and taken no key', async () => {
    const before = await count('idempotency_key');
    expect(await add('bad', '')).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    expect(await count('idempotency_key')).toBe(before);
    expect(await add('bad', 'good')).toMatchObject({ status: 201, replayed: false });
  });

  it('by the work leaves nothing behind, not even its key', async () => {
    const tables = ['notes', 'idempotency_key', 'audit_log'];
    const before = await Promise.all(tables.map((table) => count(table)));
    expect(await add('no', 'refused')).toMatchObject({ status: 409, body: { code: 'invalid-transition' } });
    expect(await Promise.all(tables.map((table) => count(table)))).toEqual(before);
    expect(await add('no', 'accepted')).toMatchObject({ status: 201, replayed: false });
  });
});

describe('when the database fails', () => {
  it('a serialization failure is tried again', async () => {
    expect(await add('again', 'conflict')).toMatchObject({ status: 201 });
    expect(await count('notes', `text = 'conflict'`)).toBe(1);
  });

  it('a serialization failure at COMMIT is tried again too', async () => {
    expect(await add('late', 'late conflict')).toMatchObject({ status: 201, replayed: false });
    expect(await count('notes', `text = 'late conflict'`)).toBe(1);
  });

  it('a connection lost during COMMIT is told as unknown, and the key finds the stored answer', async () => {
    const lost = proxy.cutAt({ at: 'reply', match: 'COMMIT' });
    expect(await add('lost', 'lost')).toMatchObject({ status: 503, body: { code: 'outcome-unknown' } });
    await lost;
    expect(await add('lost', 'lost')).toMatchObject({ status: 201, replayed: true, body: { text: 'lost' } });
    expect(await count('notes', `text = 'lost'`)).toBe(1);
  });

  it('a connection lost before COMMIT has done nothing, and the key works', async () => {
    const early = proxy.cutAt({ at: 'request', match: 'COMMIT' });
    expect(await add('early', 'early')).toMatchObject({ status: 503 });
    await early;
    expect(await add('early', 'early')).toMatchObject({ status: 201, replayed: false });
    expect(await count('notes', `text = 'early'`)).toBe(1);
  });
});

describe('a read', () => {
  const get = async (id: string): Promise<Response> =>
    fetch(`${service.url}/notes/v1/notes/${id}`, { headers: { authorization: `Bearer ${operator}` } });

  it('that returns its result is answered with the value, or refused', async () => {
    const { body } = await add('read', 'read');
    const found = await get(body.id);
    expect([found.status, found.headers.get('etag'), await found.json()]).toEqual([200, '"1"', body]);
    const missing = await get('n_none');
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ code: 'not-found' });
  });
});

describe('an answer stored by reference', () => {
  it('is built again from the object, and no personal data is in the table of keys', async () => {
    const text = 'Li Lei, 13800000000';
    const post = (): Promise<Answer> => send('POST', 'private-notes', { text }, { 'idempotency-key': 'p' }, buyer);
    const first = await post();
    expect(await post()).toEqual({ ...first, replayed: true });
    const rows = await database.query(`SELECT to_jsonb(k)::text AS row FROM idempotency_key k WHERE key = 'p'`);
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toMatch(/Li Lei|13800000000/);
  });
});

describe('a precondition', () => {
  const change = (id: string, ifMatch: string | undefined): Promise<Answer> =>
    send('PUT', `notes/${id}`, { text: 'changed' }, ifMatch === undefined ? {} : { 'if-match': ifMatch });

  it.each(['"1"', 'W/"1"', '"1", "7"', '*'])('holds for If-Match: %s, without a key', async (ifMatch) => {
    const { body } = await add(`match ${ifMatch.replaceAll('"', '')}`, 'guarded');
    expect(await change(body.id, ifMatch)).toMatchObject({ status: 200, etag: '"2"', body: { version: 2 } });
    expect(await change(body.id, '"1"')).toMatchObject({ status: 412, body: { code: 'stale-version' } });
  });

  it('must be there and well formed', async () => {
    expect(await change('x', undefined)).toMatchObject({ status: 428 });
    expect(await change('x', '1')).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  });

  it('of a PUT goes without a key: one that is sent is ignored', async () => {
    const { body } = await add('put', 'put');
    const headers = { 'if-match': '"1"', 'idempotency-key': 'put' };
    expect(await send('PUT', `notes/${body.id}`, { text: 'y' }, headers)).toMatchObject({ status: 200 });
    expect(await count('idempotency_key', `operation = 'changeNote'`)).toBe(0);
  });
});

describe('the audit record', () => {
  it('tells who did what and why, once per effect, and of operators alone', async () => {
    const { body } = await add('audit', 'audited');
    await add('audit', 'audited');
    await add('audit', 'not on record', buyer);
    const rows = await database.query('SELECT * FROM audit_log WHERE object_id = $1', [body.id]);
    expect(rows).toMatchObject([
      { sub: 'op_1', roles: ['operator'], operation: 'addNote', reason: 'a spec', request_id: expect.any(String) },
    ]);
    expect(await count('audit_log', `sub = 'b_1'`)).toBe(0);
  });

  it('never changes, not even by hand', async () => {
    await add('audit 2', 'audited');
    for (const statement of [`UPDATE audit_log SET sub = 'x'`, 'DELETE FROM audit_log', 'TRUNCATE audit_log'])
      await expect(database.query(statement)).rejects.toThrow('an audit record never changes');
  });
});

describe('over gRPC', () => {
  type Call = (
    query: object,
    metadata: Metadata,
    done: (error: ServiceError | null, note: NoteView) => void,
  ) => { on(event: 'metadata', listener: (metadata: Metadata) => void): void };
  let client: Client & { addNote: Call; changeNote: Call };

  beforeAll(() => {
    const loaded = loadPackageDefinition(loadSync(join(folder, 'notes.proto'), {}));
    const { Notes } = (loaded['notes'] as never)['v1'] as { Notes: new (...parts: unknown[]) => typeof client };
    client = new Notes(service.grpcUrl!, credentials.createInsecure());
  });
  afterAll(() => client.close());

  function rpc(method: Call, query: object): Promise<{ note: NoteView; replayed: boolean }> {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${operator}`);
    return new Promise((resolve, reject) => {
      let replayed = false;
      method
        .call(client, query, metadata, (error, note) => (error ? reject(error) : resolve({ note, replayed })))
        .on('metadata', (head) => {
          replayed = head.get('idempotent-replayed').includes('true');
        });
    });
  }

  const refusal = (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => undefined,
      (error: ServiceError) => error.metadata.get('x-problem-code')[0],
    );

  it('keys, preconditions and refusals are the same', async () => {
    const query = { text: 'by rpc', idempotencyKey: 'g1' };
    const first = await rpc(client.addNote, query);
    expect(first).toMatchObject({ note: { text: 'by rpc', version: 1 }, replayed: false });
    expect(await rpc(client.addNote, query)).toEqual({ ...first, replayed: true });
    expect(await refusal(rpc(client.addNote, { ...query, text: 'other' }))).toBe('idempotency-key-reused');
    expect(await refusal(rpc(client.addNote, { text: 'x' }))).toBe('idempotency-key-missing');
    expect(await refusal(rpc(client.addNote, { text: 'refused', idempotencyKey: 'g2' }))).toBe('invalid-transition');
    const change = { id: first.note.id, text: 'changed', expectedVersion: 1 };
    expect(await rpc(client.changeNote, change)).toMatchObject({ note: { version: 2 } });
    expect(await refusal(rpc(client.changeNote, change))).toBe('stale-version');
  });
});
