// Brings a service's database to its newest version. Any number of processes may call it at the same time: one
// migrates, and the others wait and then find no pending migration.
import { monotonicMs, sleep } from '@gravity/kernel';
import { Client } from 'pg';
import { DataSource, type Logger, MigrationExecutor, type MigrationInterface, type QueryRunner } from 'typeorm';
import type { Database } from './database';
import { sqlState } from './database-error';

/** A TypeORM migration; its class name ends in a 13-digit timestamp that gives the order. */
export type MigrationClass = new () => MigrationInterface;

export interface MigrateOptions {
  readonly url: string;
  readonly service: string;
  readonly migrations: readonly MigrationClass[];
}

const LOCK_WAIT_MAX_MS = 120_000;
const LOCK_POLL_MS = 100;
const LOCK_TIMEOUT_MS = 4_000;
const LOCK_TIMEOUT_ATTEMPTS = 5;
const CONNECT_TIMEOUT_MS = 5_000;
const DATABASE_MISSING = '3D000';
const DATABASE_EXISTS = ['42P04', '23505'];
const LOCK_NOT_AVAILABLE = '55P03';
const TABLE_MISSING = '42P01';
const MIGRATIONS_TABLE = 'schema_migrations';
/** Another session is copying the template database. */
const TEMPLATE_IN_USE = '55006';

function nothing(): void {}

/** The rejection has the error; TypeORM would print it too. */
const SILENT_LOGGER: Logger = {
  logQuery: nothing,
  logQueryError: nothing,
  logQuerySlow: nothing,
  logSchemaBuild: nothing,
  logMigration: nothing,
  log: nothing,
};

/**
 * Creates the database if it is missing and applies the pending migrations, each in its own transaction (or in none,
 * with `transaction = false`). Returns the names applied by this call. Rejects when Postgres is unavailable or a
 * migration fails; the migrations before it stay applied.
 */
export async function migrate(options: MigrateOptions): Promise<{ applied: string[] }> {
  await createDatabaseIfMissing(options.url);
  const dataSource = new DataSource({
    type: 'postgres',
    url: options.url,
    applicationName: `${options.service}-migrate`,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    // The lock and the migrations share one connection: a lock that is lost takes its migration with it.
    poolSize: 1,
    extra: { lock_timeout: LOCK_TIMEOUT_MS },
    migrations: [...options.migrations],
    migrationsTableName: MIGRATIONS_TABLE,
    installExtensions: false,
    synchronize: false,
    logger: SILENT_LOGGER,
  });
  await dataSource.initialize();
  try {
    const runner = dataSource.createQueryRunner();
    try {
      await lock(runner, options.service);
      return { applied: await applyPending(dataSource, runner) };
    } finally {
      await runner.query('select pg_advisory_unlock_all()').catch(() => undefined);
      await runner.release();
    }
  } finally {
    await dataSource.destroy();
  }
}

/**
 * The names of the migrations that the database lacks. Migrations of a later release are ignored. Rejects when Postgres
 * does not answer.
 */
export async function pendingMigrations(
  database: Pick<Database, 'query'>,
  migrations: readonly MigrationClass[],
): Promise<string[]> {
  const names = migrations.map((migration) => new migration().name ?? migration.name);
  try {
    const rows = await database.query<{ name: string }>(`select name from ${MIGRATIONS_TABLE}`);
    const applied = new Set(rows.map(({ name }) => name));
    return names.filter((name) => !applied.has(name));
  } catch (error) {
    if (sqlState(error) === TABLE_MISSING) return names;
    throw error;
  }
}

/**
 * Polls the lock: a session that waits in pg_advisory_lock holds a snapshot, and CREATE INDEX CONCURRENTLY in the
 * migrating session would wait for that snapshot without end.
 */
async function lock(runner: QueryRunner, service: string): Promise<void> {
  const untilMs = monotonicMs() + LOCK_WAIT_MAX_MS;
  for (;;) {
    const [row] = (await runner.query(
      `select pg_try_advisory_lock(hashtextextended('gravity.migrate', 0)) as mine`,
    )) as [{ mine: boolean }];
    if (row.mine) return;
    if (monotonicMs() > untilMs) throw new Error(`${service}: another migration has held the lock for too long`);
    await sleep(LOCK_POLL_MS);
  }
}

/**
 * Repeats a migration that did not get a table lock within the lock timeout: queries behind a waiting lock wait too.
 */
async function applyPending(dataSource: DataSource, runner: QueryRunner): Promise<string[]> {
  const applied: string[] = [];
  for (let attempt = 1; ; attempt += 1) {
    const executor = new MigrationExecutor(dataSource, runner);
    executor.transaction = 'each';
    const before = new Set((await executor.getExecutedMigrations()).map(({ name }) => name));
    try {
      const done = await executor.executePendingMigrations();
      return [...applied, ...done.map(({ name }) => name)];
    } catch (error) {
      if (sqlState(error) !== LOCK_NOT_AVAILABLE || attempt >= LOCK_TIMEOUT_ATTEMPTS) throw error;
      const after = await executor.getExecutedMigrations();
      applied.push(...after.map(({ name }) => name).filter((name) => !before.has(name)));
    }
  }
}

async function createDatabaseIfMissing(url: string): Promise<void> {
  if (await exists(url)) return;
  const maintenance = new URL(url);
  const name = decodeURIComponent(maintenance.pathname.slice(1));
  maintenance.pathname = '/postgres';
  const client = newClient(maintenance.toString());
  await client.connect();
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await client.query(`create database ${client.escapeIdentifier(name)}`);
        return;
      } catch (error) {
        const state = sqlState(error) ?? '';
        if (DATABASE_EXISTS.includes(state)) return;
        if (state !== TEMPLATE_IN_USE || attempt >= LOCK_TIMEOUT_ATTEMPTS) throw error;
        await sleep(LOCK_POLL_MS * attempt);
      }
    }
  } finally {
    await client.end();
  }
}

async function exists(url: string): Promise<boolean> {
  const client = newClient(url);
  try {
    await client.connect();
    return true;
  } catch (error) {
    if (sqlState(error) === DATABASE_MISSING) return false;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function newClient(url: string): Client {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined);
  return client;
}
