// The pg pool of a Database. It counts statements, survives lost connections, and bounds the callers that wait.
import { types } from 'node:util';
import { AssertionFailure, monotonicMs } from '@gravity/kernel';
import { Client, Pool, type PoolClient, type PoolConfig } from 'pg';
import { isConnectionLost, note, sqlState } from './database-error';
import { plannedAnew } from './database-url';
import { INT8_AS_NUMBER } from './sql-types';

/** Callers that may wait for a connection; further ones are refused at once. */
const POOL_WAITERS_MAX = 1_000;
const IDLE_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_DELAY_MS = 10_000;
const STALE_PLAN_STATES = ['0A000', '26000'];
/** A server that hangs does not enforce its statement timeout. The client's own timeout is this much longer. */
const CLIENT_TIMEOUT_MARGIN_MS = 5_000;

export interface PoolOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly poolSize: number;
  readonly connectionTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly onPoolWait?: ((waitMs: number) => void) | undefined;
}

/**
 * A pooled connection. `broken` is set once it must not go back to the pool; `sealed` once its transaction has ended, so
 * that no statement of it comes late.
 */
export type Connection = PoolClient & { broken: boolean; sealed: boolean };

/** The connections of one Database. */
export class ConnectionPool {
  readonly statements = { count: 0 };
  readonly pool: Pool;

  constructor(private readonly options: PoolOptions) {
    const config: PoolConfig = {
      connectionString: plannedAnew(options.url),
      application_name: options.applicationName,
      max: options.poolSize,
      connectionTimeoutMillis: options.connectionTimeoutMs,
      statement_timeout: options.statementTimeoutMs,
      query_timeout: options.statementTimeoutMs + CLIENT_TIMEOUT_MARGIN_MS,
      idle_in_transaction_session_timeout: options.statementTimeoutMs * 2,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
      types: INT8_AS_NUMBER,
      Client: countingClient(this.statements),
    };
    this.pool = new Pool(config);
    // A lost idle connection is replaced on the next use. Without a listener, the event would end the process.
    this.pool.on('error', () => undefined);
  }

  /** A connection, after a wait of at most `connectionTimeoutMs`. Rejects as `overloaded` or `unavailable`. */
  async acquire(): Promise<Connection> {
    if (this.pool.waitingCount >= POOL_WAITERS_MAX) {
      throw note(new Error(`more than ${POOL_WAITERS_MAX} callers wait for a database connection`), 'overloaded');
    }
    const startedMs = monotonicMs();
    try {
      const client = (await this.pool.connect()) as Connection;
      client.sealed = false;
      this.options.onPoolWait?.(monotonicMs() - startedMs);
      return client;
    } catch (error) {
      const poolIsFull = types.isNativeError(error) && error.message === 'timeout exceeded when trying to connect';
      throw note(error, poolIsFull ? 'overloaded' : 'unavailable');
    }
  }
}

/** A pg client that counts its statements and notes when its connection is lost. */
function countingClient(statements: { count: number }): typeof Client {
  class CountingClient extends Client {
    broken = false;
    sealed = false;

    constructor(config?: ConstructorParameters<typeof Client>[0]) {
      super(config);
      // The pool does not listen to a checked-out client; an error event would end the process.
      this.on('error', () => {
        this.broken = true;
      });
      this.on('end', () => {
        this.broken = true;
      });
    }

    // pg's `query` has a dozen overloads. Those that return a promise matter here.
    override query(...args: unknown[]): never {
      if (this.sealed) throw new AssertionFailure('a statement was sent through a transaction that has ended');
      statements.count += 1;
      const result: unknown = (super.query as (...all: unknown[]) => unknown)(...args);
      if (!types.isPromise(result)) return result as never;
      return result.catch((error: unknown) => {
        if (isConnectionLost(error)) {
          this.broken = true;
          note(error, 'unknown-outcome');
        }
        // A migration made a prepared statement unusable; it stays unusable on this connection.
        if (STALE_PLAN_STATES.includes(sqlState(error) ?? '')) this.broken = true;
        throw error;
      }) as never;
    }
  }
  return CountingClient;
}
