// Goal: a service made by `npm run new-service` works unchanged: it reads, publishes, and writes once per key, also when its
// processes are killed. Method: a service is made in a copy of the tree and built there. Two processes run on the real
// engines, and are killed and replaced during writes.
import { execFile } from 'node:child_process';
import { cp, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newUuid, sleep } from '@gravity/kernel';
import { type Database, openDatabase } from '@gravity/persistence';
import {
  engines,
  EventProbe,
  eventually,
  freePort,
  freshDatabase,
  type FreshDatabase,
  localIssuer,
  projectRoot,
  ServiceProcess,
  temporaryFolder,
  uniquePrefix,
} from '@gravity/testing';

const NAME = 'insights';
const COMMAND_WITHIN_MS = 300_000;
const COPIED = ['apps', 'libs', 'tools', 'k8s', 'docs'];
const COPIED_FILES = ['package.json', 'tsconfig.json', 'nest-cli.json', 'docker-compose.yml', '.prettierrc.json'];
/** Clients see the drain before their connections are closed. */
const DRAIN_MS = 500;
const PAUSE_MS = 5;

interface Answer {
  readonly status: number;
  readonly replayed: boolean;
  readonly body: Record<string, unknown>;
}

const run = promisify(execFile);
let folder: string;
let tree: string;
let database: FreshDatabase;
let sql: Database;
let token: string;
let prefix: string;
let processes: ServiceProcess[] = [];

async function node(script: string, words: readonly string[] = [], env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await run(process.execPath, [join(tree, script), ...words], {
    cwd: tree,
    env: { ...process.env, ...env },
    timeout: COMMAND_WITHIN_MS,
  });
  return stdout;
}

beforeAll(async () => {
  folder = await temporaryFolder();
  tree = join(folder, 'tree');
  await mkdir(tree);
  const root = projectRoot();
  for (const name of COPIED) await cp(join(root, name), join(tree, name), { recursive: true });
  for (const name of COPIED_FILES) await cp(join(root, name), join(tree, name));
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
  await node('tools/build.mjs');
  await node('dist/tools/new-service/main.js', [NAME]);
  database = await freshDatabase('new service');
  sql = openDatabase({ url: database.url, applicationName: 'spec', poolSize: 2 });
  const issuer = await localIssuer();
  token = await issuer.mint({ sub: 'op_1', roles: ['operator'] });
  prefix = uniquePrefix();
  const env = {
    ...issuer.env,
    INSIGHTS_DATABASE_URL: database.url,
    KAFKA_BROKERS: engines().kafkaBrokers,
    KAFKA_TOPIC_PREFIX: prefix,
    CURSOR_SECRET: 'a cursor secret that is long enough',
    SHUTDOWN_DRAIN_MS: String(DRAIN_MS),
    LOG_LEVEL: 'warn',
  };
  const script = `apps/${NAME}/src/main.js`;
  await node(join('dist', script), ['migrate'], env);
  processes = await Promise.all(
    [1, 2].map(async (number) =>
      ServiceProcess.start({ name: `${NAME}-${number}`, script, env, folder, root: tree, port: await freePort() }),
    ),
  );
  await Promise.all(processes.map((process) => process.ready()));
}, COMMAND_WITHIN_MS);

afterAll(async () => {
  await Promise.all(processes.map((process) => process.stop()));
  await sql?.close();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

async function post(url: string, text: string, key: string): Promise<Answer> {
  const response = await fetch(`${url}/${NAME}/v1/notes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ text }),
  });
  const replayed = response.headers.get('idempotent-replayed') === 'true';
  return { status: response.status, replayed, body: (await response.json()) as Record<string, unknown> };
}

async function get(id: unknown): Promise<Answer> {
  const response = await fetch(`${processes[1]!.url}/${NAME}/v1/notes/${String(id)}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return { status: response.status, replayed: false, body: (await response.json()) as Record<string, unknown> };
}

/** The number of stored notes with each of these texts. */
async function copiesOf(texts: readonly string[]): Promise<number[]> {
  const rows = await sql.query<{ text: string; copies: number }>(
    'select text, count(*)::int as copies from notes where text = any($1) group by text',
    [texts],
  );
  const copies = new Map(rows.map((row) => [row.text, row.copies]));
  return texts.map((text) => copies.get(text) ?? 0);
}

it('writes once per key, reads, and refuses invalid requests', async () => {
  const key = newUuid();
  const first = await post(processes[0]!.url, 'hello', key);
  expect([first.status, first.replayed, first.body['text'], first.body['version']]).toEqual([201, false, 'hello', 1]);
  const again = await post(processes[1]!.url, 'hello', key);
  expect(again).toEqual({ status: 201, replayed: true, body: first.body });
  expect((await post(processes[0]!.url, 'other', key)).body['code']).toBe('idempotency-key-reused');
  expect((await get(first.body['id'])).body).toEqual(first.body);
  expect((await get(newUuid())).status).toBe(404);
  expect((await get('no-uuid')).status).toBe(404);
  expect((await post(processes[0]!.url, '', newUuid())).status).toBe(400);
  expect(await copiesOf(['hello', 'other'])).toEqual([1, 0]);
});

it('stores each write once when a process is killed in the middle and the keys are repeated', async () => {
  const [first, other] = processes as [ServiceProcess, ServiceProcess];
  const writes = Array.from({ length: 200 }, (_, index) => ({ text: `killed ${index}`, key: newUuid() }));
  let answered = 0;
  const send = async ({ text, key }: { text: string; key: string }): Promise<void> => {
    // A killed process does not answer; the outcome of the write is unknown.
    const answer = await post(first.url, text, key).catch(() => undefined);
    if (answer?.status === 201) answered += 1;
  };
  const stream = (async () => {
    const next = writes.values();
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (const write of next) await send(write);
      }),
    );
  })();
  await eventually(async () => expect(answered).toBeGreaterThan(20));
  await first.kill();
  await stream;
  expect(answered).toBeLessThan(writes.length);
  for (const { text, key } of writes) expect((await post(other.url, text, key)).status).toBe(201);
  expect(await copiesOf(writes.map(({ text }) => text))).toEqual(writes.map(() => 1));
  await first.start();
  await first.ready();
});

it('answers every write once while its processes are replaced one after the other', async () => {
  const texts: string[] = [];
  const failures: string[] = [];
  let stopping = false;
  const client = async (name: number): Promise<void> => {
    for (let index = 0; !stopping; index += 1) {
      const [text, key] = [`rolled ${name}-${index}`, newUuid()];
      texts.push(text);
      failures.push(...(await postAnywhere(text, key, name + index)));
      await sleep(PAUSE_MS);
    }
  };
  const clients = [0, 1, 2, 3].map(client);
  for (const process of processes) {
    await process.stop();
    await process.start();
    await process.ready();
  }
  stopping = true;
  await Promise.all(clients);
  expect(failures).toEqual([]);
  expect(texts.length).toBeGreaterThan(100);
  expect(await copiesOf(texts)).toEqual(texts.map(() => 1));
});

/** Skips processes that do not accept connections, like a balancer. Returns all other failures. */
async function postAnywhere(text: string, key: string, turn: number): Promise<string[]> {
  const failures: string[] = [];
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const { url } = processes[(turn + attempt) % processes.length]!;
    try {
      const answer = await post(url, text, key);
      if (answer.status === 201) return failures;
      failures.push(`${answer.status} ${JSON.stringify(answer.body)}`);
    } catch (error) {
      const { code } = (error as { cause?: { code?: string } }).cause ?? {};
      if (code !== 'ECONNREFUSED') failures.push(`${String(error)} ${code}`);
      await sleep(PAUSE_MS);
    }
  }
  return [...failures, `${text} was never stored`];
}

it('reports a failed start in one line', async () => {
  const failed = (await node(`dist/apps/${NAME}/src/main.js`, [], { KAFKA_BROKERS: '', AUTH_ISSUER: '' }).catch(
    (error: unknown) => error,
  )) as { code: number; stderr: string };
  expect(failed.code).toBe(1);
  expect(failed.stderr.trim().split('\n')).toHaveLength(1);
  expect(failed.stderr).toContain('AUTH_ISSUER is not set');
});

it('publishes an event of every note, with its schema, at least once', async () => {
  const probe = await EventProbe.start({ brokers: engines().kafkaBrokers, topics: [`${prefix}${NAME}.note`] });
  try {
    const notes = await sql.query<{ id: string; text: string }>('select id, text from notes');
    await eventually(
      async () => {
        const published = new Map(probe.events.map((event) => [event.key, event.payload['text']]));
        expect(published).toEqual(new Map(notes.map(({ id, text }) => [id, text])));
      },
      { withinMs: 20_000 },
    );
  } finally {
    await probe.close();
  }
});
