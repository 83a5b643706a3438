// What a failed statement means to the caller. The question that matters: did it surely not happen, or is that unknown?
// SQLSTATEs: https://www.postgresql.org/docs/18/errcodes-appendix.html
import { types } from 'node:util';

/**
 * - `unavailable`: Postgres could not be reached or went away, and the work is known not to have been done;
 * - `overloaded`: a limit of time, connections or locks was hit, and the work was not done;
 * - `conflict`: it contradicts committed data or lost against a concurrent transaction, and was not done;
 * - `unknown-outcome`: the connection was lost when the work may already have been committed;
 * - `bug`: anything else.
 */
export type DatabaseErrorClass = 'unavailable' | 'conflict' | 'overloaded' | 'unknown-outcome' | 'bug';

// Errors of one connection carry no word on what was sent before; the code that sent it notes that here.
const verdicts = new WeakMap<object, DatabaseErrorClass>();

/** The driver's own error inside the one TypeORM threw. */
function driverError(error: unknown): unknown {
  const inner =
    typeof error === 'object' && error !== null ? (error as { driverError?: unknown }).driverError : undefined;
  return inner ?? error;
}

/** Notes what an error means; later notes replace earlier ones. Returns the error. */
export function note<E>(error: E, verdict: DatabaseErrorClass): E {
  const target = driverError(error);
  if (typeof target === 'object' && target !== null) verdicts.set(target, verdict);
  return error;
}

/** The SQLSTATE of an error sent by the server, or undefined. */
export function sqlState(error: unknown): string | undefined {
  const inner = driverError(error);
  if (typeof inner !== 'object' || inner === null || !('severity' in inner)) return undefined;
  const code = (inner as { code?: unknown }).code;
  return typeof code === 'string' && code.length === 5 ? code : undefined;
}

/** True when the error ended the connection: it says nothing about what the server did with the statement. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return state.startsWith('08') || /^57P0[1-5]$/.test(state);
  const inner = driverError(error);
  // Not instanceof: the socket's errors may come from another realm (a test runner's).
  if (!types.isNativeError(inner)) return false;
  const code = (inner as { code?: unknown }).code;
  if (typeof code === 'string' && /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTCONN)/.test(code)) return true;
  return /^(Connection terminated|Client has encountered a connection error|Client was closed|Query read timeout|write after end)/.test(
    inner.message,
  );
}

/** True when running the same transaction again may succeed at once (serialization failure, deadlock). */
export function isTransient(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01';
}

/** What a failure of a {@link Database} means. Errors that did not come from a Database are `bug`. */
export function classifyDatabaseError(error: unknown): DatabaseErrorClass {
  const target = driverError(error);
  const noted = typeof target === 'object' && target !== null ? verdicts.get(target) : undefined;
  return noted ?? classifyState(sqlState(error));
}

function classifyState(state: string | undefined): DatabaseErrorClass {
  if (state === undefined) return 'bug';
  switch (state) {
    case '57014': // statement_timeout: cancelled before the commit
    case '55P03': // lock_timeout
    case '25P03': // idle_in_transaction_session_timeout
    case '25P04': // transaction_timeout
      return 'overloaded';
    case '57P03': // starting up or shutting down
    case '25006': // a standby: the primary is elsewhere
      return 'unavailable';
    case '23502': // not null: no data of others can cause it
      return 'bug';
    case '0A000': // "cached plan must not change result type" after a migration
    case '26000': // the prepared statement went away with its plan
      return 'conflict';
  }
  if (state.startsWith('53')) return 'overloaded';
  if (state.startsWith('40') || state.startsWith('23')) return state === '40003' ? 'unknown-outcome' : 'conflict';
  if (state.startsWith('08') || state.startsWith('57P')) return 'unknown-outcome';
  return 'bug';
}
