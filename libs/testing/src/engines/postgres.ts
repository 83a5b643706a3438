// A local Postgres, durable as in production: fsync, synchronous commits, full pages.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import type { EngineHandle } from './engine';
import { lostBy, MachineEngine, startOnPort, type EngineOptions } from './machine-engine';
import { postgresUser, sharedCacheDir, type UnixUser } from './paths';
import { postgresBinaries, type PostgresBinaries } from './postgres-binaries';
import { freePort, preferredPort } from './ports';
import { mustRun, run, type ServerCommand } from './process';

const ROLE = 'gravity';
/** Revision of the templates: increase it when a change makes existing ones unusable. */
const TEMPLATE_REVISION = 1;
const INIT_WITHIN_MS = 120_000;

/** Settings for a development machine of two cores. The container gets the same ones. */
export const POSTGRES_SETTINGS: Readonly<Record<string, string>> = {
  max_connections: '200',
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  random_page_cost: '1.1',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  wal_compression: 'on',
  wal_buffers: '16MB',
  min_wal_size: '256MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] %a ',
};

/** The settings as command-line words. */
export function postgresSettingArgs(settings = POSTGRES_SETTINGS): string[] {
  return Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
}

/** Options of {@link startPostgres}. */
export interface PostgresOptions extends EngineOptions {
  /** Copies a prepared cluster of this user instead of making one. It is quicker; for tests. */
  readonly fromTemplate?: boolean | undefined;
}

/** Starts a Postgres on 127.0.0.1 and resolves when it answers a query. */
export async function startPostgres(options: PostgresOptions): Promise<EngineHandle> {
  await mkdir(options.folder, { recursive: true });
  const user = postgresUser();
  const binaries = await postgresBinaries(user);
  const home = await enterableHome(options.folder, user);
  const owner = await ownerOf(home, user);
  if (!existsSync(join(home, 'data', 'PG_VERSION'))) {
    await (options.fromTemplate === true ? copyTemplate(binaries, home, owner) : createCluster(binaries, home, owner));
  }
  const password = await readFile(join(home, 'password'), 'utf8');
  const urlFor = (port: number): string => `postgresql://${ROLE}:${password}@127.0.0.1:${port}/postgres`;
  const commandFor = async (port: number): Promise<ServerCommand> =>
    postgresCommand(binaries, { ...options, home, owner, port, url: urlFor(port) });
  const { server, port } = await startOnPort(await preferredPort(options.preferredPort), commandFor);
  return new MachineEngine('postgres', urlFor(port), server);
}

/** One server on one data folder. */
interface PostgresPlace extends EngineOptions {
  /** The folder with the cluster in `data`. */
  readonly home: string;
  readonly owner: UnixUser | undefined;
  readonly port: number;
  readonly url: string;
}

function postgresCommand(binaries: PostgresBinaries, place: PostgresPlace): ServerCommand {
  const network = ['-c', 'listen_addresses=127.0.0.1', '-c', `port=${place.port}`, '-c', 'unix_socket_directories='];
  return {
    title: 'Postgres',
    command: binaries.postgres,
    args: ['-D', join(place.home, 'data'), ...network, ...postgresSettingArgs()],
    env: serverEnvironment(),
    cwd: '/',
    user: place.owner,
    logFile: join(place.folder, 'postgres.log'),
    // SIGINT is Postgres' fast shutdown: it ends sessions and writes a checkpoint. SIGTERM would wait for them.
    stopSignal: 'SIGINT',
    stopWithinMs: 20_000,
    readyWithinMs: 60_000,
    probe: () => probePostgres(place.url),
    onLost: lostBy('postgres', place),
  };
}

/** Starts the server of an existing data folder, `<folder>/data`, on a free port; for copies of a cluster. */
export async function startPostgresCopy(folder: string, urlFor: (port: number) => string): Promise<MachineEngine> {
  const user = postgresUser();
  const binaries = await postgresBinaries(user);
  const owner = await ownerOf(folder, user);
  const { server, port } = await startOnPort(await freePort(), async (free) =>
    postgresCommand(binaries, { folder, home: folder, owner, port: free, url: urlFor(free) }),
  );
  return new MachineEngine('postgres', urlFor(port), server);
}

/** Resolves when the server answers a query; rejects when it does not. */
export async function probePostgres(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000, query_timeout: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * The folder of the cluster: the given one, or, when the Postgres user cannot enter it (in root's home, for instance),
 * a system folder named after it.
 */
async function enterableHome(folder: string, user: UnixUser | undefined): Promise<string> {
  if (user === undefined || (await canEnter(folder, user))) return folder;
  const home = closedFolderSubstitute(folder);
  await mkdir(home, { recursive: true, mode: 0o755 });
  return home;
}

/** True when that user can enter the folder. */
async function canEnter(folder: string, user: UnixUser | undefined): Promise<boolean> {
  const result = await run('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { user, cwd: '/', timeoutMs: 5_000 });
  return result.code === 0;
}

/** The substitute of {@link enterableHome}. It is removed with the data folder. */
export function closedFolderSubstitute(folder: string): string {
  return join('/var/lib/gravity', createHash('sha256').update(folder).digest('hex').slice(0, 16));
}

/** The owner of an existing cluster, which may be another user than the present choice. */
async function ownerOf(home: string, user: UnixUser | undefined): Promise<UnixUser | undefined> {
  if (user === undefined) return undefined;
  const data = join(home, 'data');
  if (!existsSync(join(data, 'PG_VERSION'))) return user;
  const { uid, gid } = await stat(data);
  return { uid, gid };
}

function serverEnvironment(): NodeJS.ProcessEnv {
  // PG* variables are for clients, and would change initdb and the server.
  const kept = Object.entries(process.env).filter(([key]) => !key.startsWith('PG') && !key.startsWith('LC_'));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}

/** Makes an empty cluster in `<home>/data` and its password beside it. An incomplete cluster never has that name. */
async function createCluster(binaries: PostgresBinaries, home: string, owner: UnixUser | undefined): Promise<void> {
  const password = randomBytes(24).toString('base64url');
  const making = join(home, 'data.partial');
  await rm(making, { recursive: true, force: true });
  await rm(join(home, 'data'), { recursive: true, force: true });
  await mkdir(making, { mode: 0o700 });
  await own(making, owner);
  const secrets = await mkdtemp(join(tmpdir(), 'gravity-pg-'));
  const passwordFile = join(secrets, 'password');
  try {
    await writeFile(passwordFile, password, { mode: 0o600 });
    await own(passwordFile, owner);
    await own(secrets, owner);
    await initdb(binaries, making, passwordFile, owner);
  } finally {
    await rm(secrets, { recursive: true, force: true });
  }
  await writeFile(join(home, 'password'), password, { mode: 0o600 });
  await rename(making, join(home, 'data'));
}

async function initdb(
  binaries: PostgresBinaries,
  data: string,
  passwordFile: string,
  owner: UnixUser | undefined,
): Promise<void> {
  const collation = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--encoding=UTF8'];
  // Trigram search uses the character classes of the C library; on macOS the locale has another name.
  const characters = process.platform === 'linux' ? ['--locale=C.UTF-8'] : ['--locale=C', '--lc-ctype=UTF-8'];
  const access = [`--username=${ROLE}`, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  const options = { user: owner, cwd: '/', env: serverEnvironment(), timeoutMs: INIT_WITHIN_MS };
  await mustRun(binaries.initdb, ['-D', data, '--no-instructions', ...access, ...collation, ...characters], options);
}

/** Copies the prepared cluster of this version and user; makes it first when it is missing. */
async function copyTemplate(binaries: PostgresBinaries, home: string, owner: UnixUser | undefined): Promise<void> {
  const template = join(
    sharedCacheDir(),
    `postgres-template-${binaries.version}-${owner?.uid ?? 'own'}-r${TEMPLATE_REVISION}`,
  );
  if (!existsSync(join(template, 'data', 'PG_VERSION'))) {
    const partial = `${template}.${process.pid}.partial`;
    await mkdir(dirname(template), { recursive: true });
    await mkdir(partial, { recursive: true, mode: 0o755 });
    await createCluster(binaries, partial, owner);
    // Another process may have made the same template first.
    await rename(partial, template).catch(() => rm(partial, { recursive: true, force: true }));
  }
  const making = join(home, 'data.partial');
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { mode: 0o700 });
  await own(making, owner);
  await mustRun('cp', ['-a', `${join(template, 'data')}/.`, making], {
    user: owner,
    cwd: '/',
    timeoutMs: INIT_WITHIN_MS,
  });
  await writeFile(join(home, 'password'), await readFile(join(template, 'password'), 'utf8'), { mode: 0o600 });
  await rename(making, join(home, 'data'));
}

async function own(path: string, owner: UnixUser | undefined): Promise<void> {
  if (owner === undefined) return;
  await chown(path, owner.uid, owner.gid);
  await chmod(path, (await stat(path)).isDirectory() ? 0o700 : 0o600);
}
