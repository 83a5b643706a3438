// Problems for errors of the database.
import type { Problem } from '@gravity/contracts';
import { classifyDatabaseError, QueueFullError, sqlState } from '@gravity/persistence';

/** The problem for a database error; undefined for a bug or another error. */
export function problemOfDatabaseError(error: unknown): Problem | undefined {
  if (error instanceof QueueFullError)
    return { code: 'overloaded', detail: 'Too many commands are waiting.', retryAfterSeconds: 1 };
  switch (classifyDatabaseError(error)) {
    case 'conflict':
      // A transaction that lost against a concurrent one may be repeated. The use case handles other conflicts.
      return sqlState(error)?.startsWith('40') === true
        ? { code: 'unavailable', detail: 'The database was busy with the same rows.', retryAfterSeconds: 1 }
        : undefined;
    case 'unavailable':
      return { code: 'unavailable', detail: 'The database does not answer.', retryAfterSeconds: 1 };
    case 'overloaded':
      return { code: 'overloaded', detail: 'The database is at its limit.', retryAfterSeconds: 1 };
    case 'unknown-outcome':
      return {
        code: 'outcome-unknown',
        detail: 'The connection was lost during the commit. Repeat the request; a POST with the same Idempotency-Key.',
        retryAfterSeconds: 1,
      };
    default:
      return undefined;
  }
}
