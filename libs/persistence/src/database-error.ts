// Classifies failed statements: it is certain that the statement had no effect, or it is unknown.
// SQLSTATEs: https://www.postgresql.org/docs/18/errcodes-appendix.html
import { types } from 'node:util';

/**
 * - `unavailable`: Postgres did not answer or the connection was lost, and the work was certainly not done;
 * - `overloaded`: a limit of time, connections or locks was reached, and the work was not done;
 * - `conflict`: it contradicts committed data or lost against a concurrent transaction, and was not done;
 * - `unknown-outcome`: the connection was lost at a moment when the work may have been committed;
 * - `bug`: every other error.
 */
export type DatabaseErrorClass = 'unavailable' | 'conflict' | 'overloaded' | 'unknown-outcome' | 'bug';

// An error of a connection does not say which statements were sent before. The code that sent them notes its class
// here.
const verdicts = new WeakMap<object, DatabaseErrorClass>();

/** The driver's error inside an error of TypeORM. */
function driverError(error: unknown): unknown {
  const inner =
    typeof error === 'object' && error !== null ? (error as { driverError?: unknown }).driverError : undefined;
  return inner ?? error;
}

/** Notes the class of an error, in place of an earlier note. Returns the error. */
export function note<E>(error: E, verdict: DatabaseErrorClass): E {
  const target = driverError(error);
  if (typeof target === 'object' && target !== null) verdicts.set(target, verdict);
  return error;
}

/** The SQLSTATE of an error from the server, or undefined. */
export function sqlState(error: unknown): string | undefined {
  const inner = driverError(error);
  if (typeof inner !== 'object' || inner === null || !('severity' in inner)) return undefined;
  const code = (inner as { code?: unknown }).code;
  return typeof code === 'string' && code.length === 5 ? code : undefined;
}

/** True when the error ended the connection. The server may have executed the statement. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return state.startsWith('08') || /^57P0[1-5]$/.test(state);
  const inner = driverError(error);
  // Not instanceof: in a test runner, errors of sockets come from another realm.
  if (!types.isNativeError(inner)) return false;
  const code = (inner as { code?: unknown }).code;
  if (typeof code === 'string' && /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTCONN)/.test(code)) return true;
  return /^(Connection terminated|Client has encountered a connection error|Client was closed|Query read timeout|write after end)/.test(
    inner.message,
  );
}

/** True when the same transaction may succeed at once when repeated (serialization failure, deadlock). */
export function isTransient(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01';
}

/** The class of a failure of a {@link Database}. Other errors are `bug`. */
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
    case '23502': // not null: no concurrent write can cause it
      return 'bug';
    case '0A000': // "cached plan must not change result type" after a migration
    case '26000': // the prepared statement does not exist
      return 'conflict';
  }
  if (state.startsWith('53')) return 'overloaded';
  if (state.startsWith('40') || state.startsWith('23')) return state === '40003' ? 'unknown-outcome' : 'conflict';
  if (state.startsWith('08') || state.startsWith('57P')) return 'unknown-outcome';
  return 'bug';
}
