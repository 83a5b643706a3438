// Goal: a write that asks another system acts there and here as if once, wherever a process dies. Method: a real process
// on a real Postgres, killed before the call, while the other system works, and after it has answered. The other system
// recognises repetitions by the key that it is given, as payment providers do.
import { execFile as execFileWithCallback } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sleep } from '@gravity/kernel';
import { type Database, openDatabase } from '@gravity/persistence';
import {
  eventually,
  freshDatabase,
  type FreshDatabase,
  type LocalIssuer,
  localIssuer,
  projectRoot,
  ServiceProcess,
  temporaryFolder,
} from '@gravity/testing';
import { bootServices, type RunningServices } from '../../src';
import { type CrashPoint, notesDdl, notesService } from './notes.fixture';

const execFile = promisify(execFileWithCallback);

/** What the other system was asked, by the text of the letter. */
class Outside {
  readonly asked = new Map<string, string[]>();
  private readonly held = new Map<string, () => void>();
  private constructor(private readonly server: Server) {}

  static async start(): Promise<Outside> {
    const server = createServer((request, reply) => {
      const text = decodeURIComponent(request.url!.slice(1));
      let key = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (key += chunk));
      request.on('end', () => {
        outside.asked.set(text, [...(outside.asked.get(text) ?? []), key]);
        const answer = (): unknown => reply.writeHead(outside.statusOf(text)).end();
        if (text.startsWith('held') && !outside.held.has(text)) outside.held.set(text, answer);
        else answer();
      });
    });
    const outside = new Outside(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return outside;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Resolves when the other system has the letter and answers nothing. */
  holds(text: string): Promise<void> {
    return eventually(() => expect([...this.held.keys()]).toContain(text));
  }

  answer(text: string): void {
    this.held.get(text)!();
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private statusOf(text: string): number {
    if (text.startsWith('broken') && this.asked.get(text)!.length === 1) return 500;
    return text.includes('refused') ? 409 : 200;
  }
}

let fresh: FreshDatabase;
let database: Database;
let issuer: LocalIssuer;
let outside: Outside;
let survivor: RunningServices;
let operator: string;
let folder: string;
const doomed: ServiceProcess[] = [];

beforeAll(async () => {
  [fresh, issuer, outside] = await Promise.all([freshDatabase('external'), localIssuer(), Outside.start()]);
  folder = await temporaryFolder();
  database = openDatabase({ url: fresh.url, applicationName: 'spec' });
  for (const statement of notesDdl()) await database.query(statement);
  survivor = await bootServices([notesService], { env: environment({ NOTES_CALL_TIMEOUT_MS: '1000' }), port: 0 });
  operator = await issuer.mint({ sub: 'op_1', roles: ['operator'] });
}, 120_000);

afterAll(async () => {
  for (const process of doomed) await process.kill().catch(() => undefined);
  await survivor?.close();
  await database?.close();
  await fresh?.drop();
  outside?.close();
});

function environment(more: Record<string, string>): Record<string, string> {
  return {
    ...(issuer.env as Record<string, string>),
    CURSOR_SECRET: 'c'.repeat(32),
    LOG_LEVEL: 'fatal',
    NOTES_DATABASE_URL: fresh.url,
    NOTES_OUTSIDE_URL: outside.url,
    ...more,
  };
}

async function doomedProcess(crashAt: CrashPoint): Promise<ServiceProcess> {
  const env = environment({ NOTES_CRASH_AT: crashAt });
  const script = 'libs/service/test/write/notes-process.js';
  const started = await ServiceProcess.start({ name: `notes-${crashAt}`, script, env, folder });
  doomed.push(started);
  return started;
}

async function send(url: string, text: string): Promise<{ status: number; body: unknown; replayed: boolean }> {
  const answer = await fetch(`${url}/notes/v1/letters`, {
    method: 'POST',
    headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json', 'idempotency-key': text },
    body: JSON.stringify({ text }),
  });
  const replayed = answer.headers.get('idempotent-replayed') === 'true';
  return { status: answer.status, body: await answer.json(), replayed };
}

const letters = (id: string): Promise<unknown[]> =>
  database.query('SELECT state, version FROM letters WHERE id = $1', [id]);

/** The lease of a process that is gone runs out. */
const leaseRunsOut = (key: string): Promise<unknown> =>
  database.query('UPDATE idempotency_key SET lease_until = now() WHERE key = $1', [key]);

it('asks once, settles once and repeats the answer', async () => {
  const first = await send(survivor.url, 'plain');
  expect(first).toMatchObject({ status: 201, body: { state: 'SENT' }, replayed: false });
  expect(await send(survivor.url, 'plain')).toEqual({ ...first, replayed: true });
  expect(outside.asked.get('plain')).toHaveLength(1);
});

it.each<[CrashPoint, number]>([
  ['before-call', 1],
  ['after-call', 2],
])(
  'a process that dies %s leaves a key that is taken over',
  async (crashAt, asked) => {
    const text = `dies ${crashAt}`;
    const process = await doomedProcess(crashAt);
    await expect(send(process.url, text)).rejects.toThrow();
    expect(await send(survivor.url, text)).toMatchObject({
      status: 409,
      body: { code: 'idempotency-key-in-progress' },
    });
    await leaseRunsOut(text);
    const answer = await send(survivor.url, text);
    expect(answer).toMatchObject({ status: 201, body: { state: 'SENT' } });
    const { id } = answer.body as { id: string };
    expect(outside.asked.get(text)).toEqual(Array.from({ length: asked }, () => id));
    expect(await letters(id)).toEqual([{ state: 'SENT', version: 2 }]);
    expect(await send(survivor.url, text)).toEqual({ ...answer, replayed: true });
    expect(await database.query('SELECT 1 FROM audit_log WHERE object_id = $1', [id])).toHaveLength(1);
  },
  120_000,
);

it('a process that is killed during the call is taken over from, with the same key', async () => {
  const process = await doomedProcess('never');
  const lost = send(process.url, 'held and killed').catch(() => 'lost');
  await outside.holds('held and killed');
  expect(await send(survivor.url, 'held and killed')).toMatchObject({ status: 409 });
  await process.kill();
  expect(await lost).toBe('lost');
  await leaseRunsOut('held and killed');
  const answer = await send(survivor.url, 'held and killed');
  const { id } = answer.body as { id: string };
  expect(outside.asked.get('held and killed')).toEqual([id, id]);
  expect(await letters(id)).toEqual([{ state: 'SENT', version: 2 }]);
}, 120_000);

it('a slow process and the one that took over from it settle once, with one answer', async () => {
  const process = await doomedProcess('never');
  const slow = send(process.url, 'held and slow');
  await outside.holds('held and slow');
  await leaseRunsOut('held and slow');
  const answer = await send(survivor.url, 'held and slow');
  outside.answer('held and slow');
  expect(await slow).toEqual({ ...answer, replayed: true });
  expect(await letters((answer.body as { id: string }).id)).toEqual([{ state: 'SENT', version: 2 }]);
}, 120_000);

it('a slow process whose successor was refused does not settle again', async () => {
  const process = await doomedProcess('never');
  const slow = send(process.url, 'held and refused');
  await outside.holds('held and refused');
  await leaseRunsOut('held and refused');
  expect(await send(survivor.url, 'held and refused')).toMatchObject({ body: { code: 'invalid-transition' } });
  outside.answer('held and refused');
  expect(await slow).toMatchObject({ status: 409, body: { code: 'idempotency-key-in-progress' } });
  const [id] = outside.asked.get('held and refused')!;
  expect(await letters(id!)).toEqual([{ state: 'REFUSED', version: 2 }]);
}, 120_000);

it('a process that is asked to stop finishes its call first', async () => {
  const process = await doomedProcess('never');
  const sent = send(process.url, 'held and stopped');
  await outside.holds('held and stopped');
  const stopped = process.stop();
  await sleep(500);
  outside.answer('held and stopped');
  expect(await sent).toMatchObject({ status: 201, body: { state: 'SENT' }, replayed: false });
  await stopped;
  expect(outside.asked.get('held and stopped')).toHaveLength(1);
}, 120_000);

it('a call that fails is made again by the next request, at once', async () => {
  expect(await send(survivor.url, 'broken')).toMatchObject({ status: 503, body: { code: 'outcome-unknown' } });
  const answer = await send(survivor.url, 'broken');
  expect(answer).toMatchObject({ status: 201, body: { state: 'SENT' } });
  const { id } = answer.body as { id: string };
  expect(outside.asked.get('broken')).toEqual([id, id]);
});

it('a call that takes too long is ended, and the key is free for the next request', async () => {
  expect(await send(survivor.url, 'held for ever')).toMatchObject({ status: 503, body: { code: 'outcome-unknown' } });
  expect(await send(survivor.url, 'held for ever')).toMatchObject({ status: 201, body: { state: 'SENT' } });
});

it('a refusal of the other system is stored with the object, and frees the key', async () => {
  expect(await send(survivor.url, 'refused')).toMatchObject({ status: 409, body: { code: 'invalid-transition' } });
  const [id] = outside.asked.get('refused')!;
  expect(await letters(id!)).toEqual([{ state: 'REFUSED', version: 2 }]);
  expect(await database.query(`SELECT 1 FROM idempotency_key WHERE key = 'refused'`)).toEqual([]);
});

it.each([['migrat'], ['migrate', 'now'], ['']])(
  'a process with the arguments %j does nothing',
  async (...args) => {
    const script = join(projectRoot(), 'dist/libs/service/test/write/notes-process.js');
    const started = execFile(process.execPath, [script, ...args], { env: environment({}), timeout: 20_000 });
    await expect(started).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^Usage: .*\n$/) });
  },
  60_000,
);
