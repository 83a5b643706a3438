// Engines for specs: the shared engines of the run, private databases on them, or private servers. A spec may kill,
// freeze, empty and restore its private servers.
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { EngineHandle, RedisHandle } from './engine';
import { startKafka } from './kafka';
import { kafkaJarsCached } from './kafka-install';
import { startStack, type Stack } from './stack';
import { isRoot } from './paths';
import { freePort } from './ports';
import { ensureRequirements } from './requirements';
import { TcpProxy } from '../faults/tcp-proxy';

const NAME_CHARS_MAX = 40;

/** Addresses of the engines of this test run. */
export interface Engines {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly kafkaBrokers: string;
}

/** The engines of the run. Throws in a spec whose file name does not declare that it needs engines. */
export function engines(): Engines {
  const read = (key: string): string => {
    const value = process.env[key];
    if (value !== undefined && value !== '') return value;
    throw new Error(`${key} is not set. Only specs named *.int.spec.ts, *.api.spec.ts or *.e2e.spec.ts get engines.`);
  };
  return {
    get databaseUrl() {
      return read('DATABASE_URL');
    },
    get redisUrl() {
      return read('REDIS_URL');
    },
    get kafkaBrokers() {
      return read('KAFKA_BROKERS');
    },
  };
}

/** A prefix for Kafka topics, groups or Redis keys that no other spec uses, for instance `t1f0c9a2e.`. */
export function uniquePrefix(): string {
  return `t${randomBytes(4).toString('hex')}.`;
}

/** An empty database with a unique name. */
export interface FreshDatabase {
  readonly url: string;
  readonly name: string;
  /** Ends its sessions and removes it. */
  drop(): Promise<void>;
}

/** Creates an empty database on the shared Postgres, or on the server of the URL. `name` makes it recognisable. */
export async function freshDatabase(name: string, serverUrl = engines().databaseUrl): Promise<FreshDatabase> {
  const readable = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, NAME_CHARS_MAX);
  const database = `t_${readable}_${randomBytes(4).toString('hex')}`;
  await onServer(serverUrl, `create database "${database}"`);
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return {
    url: url.toString(),
    name: database,
    drop: () => onServer(serverUrl, `drop database if exists "${database}" with (force)`),
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Options of the private servers. */
export interface FreshOptions {
  /** Gets progress lines. Default: none. */
  readonly log?: (line: string) => void;
  /** Folder of the data, removed at the end. Default: a temporary one. */
  readonly folder?: string;
}

/** A private Redis. `stop()` also removes its data. */
export function freshRedis(options: FreshOptions = {}): Promise<RedisHandle> {
  return privateEngine('redis', options, (stack) => stack.redis);
}

/** A private Postgres. `stop()` also removes its data. */
export function freshPostgres(options: FreshOptions = {}): Promise<EngineHandle> {
  return privateEngine('postgres', options, (stack) => stack.postgres);
}

/** A private broker. `stop()` also removes its data. */
export function freshKafka(options: FreshOptions = {}): Promise<EngineHandle> {
  return privateEngine('kafka', options, (stack) => stack.kafka);
}

/**
 * A private broker that advertises the address of a fault-injecting proxy. Connect to `proxy.through(kafka.url)`. The
 * broker counts as started when it answers through the proxy, so heal the proxy before a start. The caller closes the
 * proxy.
 */
export async function freshKafkaBehindProxy(
  options: FreshOptions = {},
): Promise<{ kafka: EngineHandle; proxy: TcpProxy }> {
  const folder = await temporaryFolder();
  const port = await freePort();
  const proxy = await TcpProxy.start({ targetPort: port });
  const log = options.log ?? silent;
  await ensureRequirements(['java', ...(kafkaJarsCached() ? [] : (['maven'] as const))], log);
  const kafka = await startKafka({ folder, preferredPort: port, advertisedPort: proxy.port, log });
  if (kafka.url !== `127.0.0.1:${port}`) throw new Error(`Port ${port} was taken while the broker started.`);
  return { kafka: removing(kafka, folder), proxy };
}

async function privateEngine<H extends EngineHandle>(
  name: 'postgres' | 'redis' | 'kafka',
  options: FreshOptions,
  pick: (stack: Stack) => H,
): Promise<H> {
  const dataDir = options.folder ?? (await temporaryFolder());
  const log = options.log ?? silent;
  // No addresses: a private server is always started here.
  const env = { GRAVITY_DOCKER: process.env['GRAVITY_DOCKER'] };
  const stack = await startStack({
    dataDir,
    engines: [name],
    log,
    env,
    ports: 'free',
    throwAway: true,
    handleSignals: false,
  });
  return removing(pick(stack), dataDir);
}

/** The handle, with a `stop` that removes the folder too. */
export function removing<H extends EngineHandle>(handle: H, folder: string): H {
  const stop = handle.stop.bind(handle);
  let stopped: Promise<void> | undefined;
  const both = async (): Promise<void> => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  };
  // The stop within restart() must keep the data, so restart uses the original one.
  const restart = async (): Promise<void> => {
    await stop();
    await handle.start();
  };
  return Object.assign(handle, { stop: () => (stopped ??= both()), restart });
}

/** A folder that the Postgres user may enter. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gravity-test-'));
  if (isRoot()) await chmod(folder, 0o755);
  return folder;
}

function silent(): void {}
