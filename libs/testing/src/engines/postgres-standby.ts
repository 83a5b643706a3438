// A streaming standby of a running Postgres, made by SQL and file copies: the packaged programs have no pg_basebackup.
import { randomBytes } from 'node:crypto';
import { chmod, chown, copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { eventually } from '../eventually';
import type { EngineHandle } from './engine';
import { removing, temporaryFolder } from './fresh';
import { startPostgresCopy } from './postgres';

const IN_STEP_WITHIN_MS = 30_000;
const PROMOTED_WITHIN_SECONDS = 20;
/** Files of a running server that a copy must not have. */
const LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts', 'pg_wal', 'pg_replslot', 'pg_stat_tmp']);

/** A copy that follows its primary; read-only until {@link PostgresStandby.promote}. */
export interface PostgresStandby {
  /** Makes it a primary. The old primary must have ended. */
  promote(): Promise<EngineHandle>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}

/**
 * Starts a synchronous standby and resolves when it has all committed data. Every later commit of the primary waits for
 * it. The primary must be a process of this machine. `folder` is made when missing.
 */
export async function synchronousStandby(primary: EngineHandle, folder?: string): Promise<PostgresStandby> {
  const home = folder ?? (await temporaryFolder());
  const name = `standby_${randomBytes(4).toString('hex')}`;
  try {
    await onServer(primary.url, (client) => copyCluster(client, primary.url, home, name));
    const server = removing(await startPostgresCopy(home, (port) => withPort(primary.url, port)), home);
    try {
      await onServer(primary.url, (client) => keepInStep(client, name));
    } catch (error) {
      // Otherwise every commit would wait.
      await onServer(primary.url, (client) => stopWaiting(client)).catch(() => undefined);
      await server.stop();
      throw error;
    }
    const promote = async (): Promise<EngineHandle> => {
      await onServer(server.url, (client) => client.query('select pg_promote(true, $1)', [PROMOTED_WITHIN_SECONDS]));
      return server;
    };
    return { promote, stop: () => server.stop() };
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error;
  }
}

/** A base backup by SQL. The slot keeps the log that the copy needs. */
async function copyCluster(client: Client, url: string, home: string, name: string): Promise<void> {
  await client.query('select pg_create_physical_replication_slot($1, true)', [name]);
  await client.query('select pg_backup_start($1, true)', [name]);
  const { rows: settings } = await client.query<{ data: string }>(`select current_setting('data_directory') as data`);
  const source = settings[0]!.data;
  const target = join(home, 'data');
  await mkdir(home, { recursive: true });
  const { uid, gid } = await stat(source);
  const owner = { uid, gid };
  await copyTree(source, target, owner);
  for (const folder of ['pg_wal', 'pg_replslot', 'pg_stat_tmp']) await ownFolder(join(target, folder), owner);
  const { rows } = await client.query<{ label: string }>('select labelfile as label from pg_backup_stop(false)');
  const { hostname: host, port, username: user, password } = new URL(url);
  const from = { host, port, user, password, application_name: name };
  const conninfo = Object.entries(from).map(([key, value]) => `${key}=${value}`);
  const settingsOfCopy = [`primary_conninfo = '${conninfo.join(' ')}'`, `primary_slot_name = '${name}'`, ''];
  await ownFile(join(target, 'backup_label'), rows[0]!.label, owner);
  await ownFile(join(target, 'postgresql.auto.conf'), settingsOfCopy.join('\n'), owner);
  await ownFile(join(target, 'standby.signal'), '', owner);
}

/** Makes commits wait for the standby, and waits until it has all committed data. */
async function keepInStep(client: Client, name: string): Promise<void> {
  await client.query(`alter system set synchronous_standby_names = '${name}'`);
  await client.query('select pg_reload_conf()');
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  await eventually(
    async () => {
      const { rows: found } = await client.query(
        `select 1 from pg_stat_replication where application_name = $1 and sync_state = 'sync' and flush_lsn >= $2::pg_lsn`,
        [name, rows[0]!.lsn],
      );
      if (found.length === 0) throw new Error('the standby is not in step');
    },
    { withinMs: IN_STEP_WITHIN_MS },
  );
}

async function stopWaiting(client: Client): Promise<void> {
  await client.query('alter system reset synchronous_standby_names');
  await client.query('select pg_reload_conf()');
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Copies a folder. A file may be deleted meanwhile; the log that the copy replays has the deletion too. */
async function copyTree(source: string, target: string, owner: Owner): Promise<void> {
  await ownFolder(target, owner);
  for (const entry of await readdir(source, { withFileTypes: true }).catch(goneIs([]))) {
    if (LEFT_OUT.has(entry.name)) continue;
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) await copyTree(from, to, owner);
    else if (entry.isFile()) {
      const copied = await copyFile(from, to).then(() => true, goneIs(false));
      if (copied) await own(to, owner, 0o600);
    }
  }
}

function goneIs<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}

async function ownFolder(path: string, owner: Owner): Promise<void> {
  await mkdir(path, { recursive: true });
  await own(path, owner, 0o700);
}

async function ownFile(path: string, text: string, owner: Owner): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  await own(path, owner, 0o600);
}

async function own(path: string, { uid, gid }: Owner, mode: number): Promise<void> {
  await chown(path, uid, gid);
  await chmod(path, mode);
}

function withPort(url: string, port: number): string {
  const moved = new URL(url);
  moved.port = String(port);
  return moved.toString();
}

async function onServer<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
