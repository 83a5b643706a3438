// One database of one service: raw SQL and TypeORM over the same pool. Connections are made on use, so a service boots
// while Postgres is down and works when it is up.
import { assert, backoffMs, sleep } from '@gravity/kernel';
import { DataSource, type EntityManager, type EntitySchema, type MixedList } from 'typeorm';
import { type Connection, ConnectionPool } from './connection-pool';
import { isConnectionLost, isTransient, note } from './database-error';

const DEFAULT_POOL_SIZE = 10;
const DEFAULT_STATEMENT_TIMEOUT_MS = 10_000;
const DEFAULT_CONNECTION_TIMEOUT_MS = 3_000;
const HEALTH_TIMEOUT_MS = 2_000;
const RETRY_BASE_MS = 5;
const RETRY_MAX_MS = 200;

export interface DatabaseOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly poolSize?: number;
  readonly statementTimeoutMs?: number;
  /** Longest wait for a connection, new or in use. */
  readonly connectionTimeoutMs?: number;
  /** Entities for repositories on cool paths; raw SQL needs none. */
  readonly entities?: MixedList<(new () => object) | string | EntitySchema>;
  /** Called with the milliseconds that each caller waited for a connection. */
  readonly onPoolWait?: (waitMs: number) => void;
}

export interface TransactionOptions {
  /** Repetitions of the whole work after a serialization failure or a deadlock. Default 0. */
  readonly retries?: number;
}

/** Statements sent so far, BEGIN and COMMIT included. */
export interface Statements {
  readonly count: number;
}

/** One open transaction. Its use after its end throws, so no statement runs outside of it. */
export interface Tx {
  /** Rows of one statement; a name makes it a prepared statement of its connection. */
  query<T>(text: string, params?: readonly unknown[], name?: string): Promise<T[]>;
  /** TypeORM inside the same transaction. */
  readonly manager: EntityManager;
}

/** Opens a database without connecting to it. */
export function openDatabase(options: DatabaseOptions): Database {
  return new Database(options);
}

/** A pool of connections, SQL and transactions on it. Connects on use; {@link openDatabase} makes one. */
export class Database {
  readonly dataSource: DataSource;
  /** The database's URL. It contains a password: never log it. */
  readonly url: string;
  private readonly connections: ConnectionPool;
  private readonly usesEntities: boolean;
  private initializing: Promise<unknown> | undefined;

  constructor(options: DatabaseOptions) {
    this.url = options.url;
    this.connections = new ConnectionPool({
      url: options.url,
      applicationName: options.applicationName,
      poolSize: options.poolSize ?? DEFAULT_POOL_SIZE,
      connectionTimeoutMs: options.connectionTimeoutMs ?? DEFAULT_CONNECTION_TIMEOUT_MS,
      statementTimeoutMs: options.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS,
      onPoolWait: options.onPoolWait,
    });
    this.usesEntities = options.entities !== undefined;
    this.dataSource = dataSourceOver(this.connections, options);
  }

  get statements(): Statements {
    return this.connections.statements;
  }

  /** Connections: open, idle, and callers waiting for one. */
  get pool(): { readonly open: number; readonly idle: number; readonly waiting: number } {
    const { totalCount: open, idleCount: idle, waitingCount: waiting } = this.connections.pool;
    return { open, idle, waiting };
  }

  /**
   * Rows of one statement, committed by itself. A name makes it a prepared statement: the same name must always have
   * the same text. A lost connection means `unknown-outcome`, for a plain SELECT `unavailable`; a SELECT that calls a
   * writing function therefore belongs in a transaction.
   */
  async query<T>(text: string, params: readonly unknown[] = [], name?: string): Promise<T[]> {
    const client = await this.connections.acquire();
    try {
      return await rowsOf<T>(client, text, params, name);
    } catch (error) {
      if (isConnectionLost(error) && /^\s*select\b/i.test(text)) note(error, 'unavailable');
      throw error;
    } finally {
      client.release(client.broken);
    }
  }

  /**
   * Runs the work in one READ COMMITTED transaction and commits it. An exception rolls it back and is thrown to the
   * caller. A connection lost before COMMIT was sent is `unavailable` (no effect); one lost during COMMIT is
   * `unknown-outcome`.
   */
  async transaction<T>(work: (tx: Tx) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const retries = options.retries ?? 0;
    for (let failures = 0; ;) {
      try {
        return await this.runTransaction(work);
      } catch (error) {
        failures += 1;
        if (failures > retries || !isTransient(error)) throw error;
        await sleep(backoffMs(failures, RETRY_BASE_MS, RETRY_MAX_MS));
      }
    }
  }

  /** Connects TypeORM, once. Needed before `dataSource` is used outside a transaction. */
  async ready(): Promise<DataSource> {
    if (!this.dataSource.isInitialized) {
      this.initializing ??= this.dataSource.initialize().finally(() => {
        this.initializing = undefined;
      });
      await this.initializing;
    }
    return this.dataSource;
  }

  /** True when Postgres answers within two seconds. Never rejects. */
  async healthy(): Promise<boolean> {
    const asked = this.query('select 1').then(
      () => true,
      () => false,
    );
    const timer = new AbortController();
    const answer = await Promise.race([asked, sleep(HEALTH_TIMEOUT_MS, timer.signal).then(() => false)]);
    timer.abort();
    return answer;
  }

  /** Waits for the connections in use and closes all. */
  async close(): Promise<void> {
    await this.initializing?.catch(() => undefined);
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
    if (!this.connections.pool.ended && !this.connections.pool.ending) await this.connections.pool.end();
  }

  private async runTransaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const session = this.usesEntities ? await this.ormSession() : await this.plainSession();
    const tx = new OpenTransaction(session);
    try {
      const result = await runBeforeCommit(session, tx, work);
      tx.end();
      const { command } = await lastStatement(session.client, 'COMMIT');
      // Postgres answers COMMIT of a failed transaction with ROLLBACK, and no error.
      assert(command !== 'ROLLBACK', 'a failed statement was ignored inside a transaction: nothing was committed');
      return result;
    } finally {
      tx.end();
      await session.release();
    }
  }

  /** A connection for raw SQL alone. */
  private async plainSession(): Promise<Session> {
    const client = await this.connections.acquire();
    return {
      client,
      begin: () => client.query('BEGIN'),
      manager: undefined,
      release: () => client.release(client.broken),
    };
  }

  /** A connection that TypeORM's query runner has opened: its manager and raw SQL share it. */
  private async ormSession(): Promise<Session> {
    await this.ready().catch((error: unknown) => {
      throw note(error, 'unavailable');
    });
    const runner = this.dataSource.createQueryRunner();
    const client = (await runner.connect()) as Connection;
    return {
      client,
      begin: () => runner.startTransaction(),
      manager: runner.manager,
      // The pool that TypeORM borrows drops broken connections.
      release: () => runner.release(),
    };
  }
}

/** A connection of the pool while a transaction uses it. */
interface Session {
  readonly client: Connection;
  readonly begin: () => Promise<unknown>;
  /** Undefined for a database without entities. */
  readonly manager: EntityManager | undefined;
  readonly release: () => Promise<void> | void;
}

/** BEGIN and the work. A failure here leaves no effect. */
async function runBeforeCommit<T>(
  { client, begin }: Session,
  tx: OpenTransaction,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  try {
    await begin();
    return await work(tx);
  } catch (error) {
    tx.end();
    if (isConnectionLost(error) && client.broken) throw note(error, 'unavailable');
    // A rollback that fails costs the connection, not the outcome: the server rolls back by itself.
    if (!client.broken) await lastStatement(client, 'ROLLBACK').catch(() => (client.broken = true));
    throw error;
  }
}

/** Ends the transaction; from here on the connection takes no statement until it is acquired again. */
function lastStatement(client: Connection, statement: 'COMMIT' | 'ROLLBACK'): Promise<{ command: string }> {
  const answer = client.query(statement);
  client.sealed = true;
  return answer;
}

/** Runs one statement on a client of the pool. */
async function rowsOf<T>(client: Connection, text: string, params: readonly unknown[], name?: string): Promise<T[]> {
  const values = params as unknown[];
  const { rows } = await client.query(name === undefined ? { text, values } : { name, text, values });
  return rows as T[];
}

class OpenTransaction implements Tx {
  private open = true;

  constructor(private readonly session: Session) {}

  async query<T>(text: string, params: readonly unknown[] = [], name?: string): Promise<T[]> {
    assert(this.open, 'a statement was sent through a transaction that has ended');
    return rowsOf<T>(this.session.client, text, params, name);
  }

  get manager(): EntityManager {
    assert(this.open, 'the manager of a transaction was used after its end');
    const { manager } = this.session;
    assert(manager !== undefined, 'a database without entities has no manager');
    return manager;
  }

  end(): void {
    this.open = false;
  }
}

/**
 * A DataSource on the existing pool. TypeORM would connect at once and leave a pool behind after each failure. With the
 * pool as its "driver", it can be initialized late and repeatedly.
 */
function dataSourceOver(connections: ConnectionPool, options: DatabaseOptions): DataSource {
  class BorrowedPool {
    connect(done: (error: unknown, client?: Connection, release?: (error?: Error) => void) => void): void {
      connections
        .acquire()
        .then((client) => done(undefined, client, (error) => client.release(error ?? client.broken)), done);
    }
    on(): void {}
    end(done: () => void): void {
      done();
    }
  }
  return new DataSource({
    type: 'postgres',
    url: options.url,
    driver: { Pool: BorrowedPool },
    entities: options.entities ?? [],
    installExtensions: false,
    synchronize: false,
  });
}
