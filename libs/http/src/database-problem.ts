// What a caller hears when the database did not do its part.
import type { Problem } from '@gravity/contracts';
import { classifyDatabaseError, QueueFullError, sqlState } from '@gravity/persistence';

/** The problem for a database error; undefined when the error is a bug or has nothing to do with a database. */
export function problemOfDatabaseError(error: unknown): Problem | undefined {
  if (error instanceof QueueFullError)
    return { code: 'overloaded', detail: 'Too many commands are waiting.', retryAfterSeconds: 1 };
  switch (classifyDatabaseError(error)) {
    case 'conflict':
      // Lost against a concurrent transaction: worth repeating. Any other conflict should have been handled where it arose.
      return sqlState(error)?.startsWith('40') === true
        ? { code: 'unavailable', detail: 'The database was busy with the same rows.', retryAfterSeconds: 1 }
        : undefined;
    case 'unavailable':
      return { code: 'unavailable', detail: 'The database does not answer right now.', retryAfterSeconds: 1 };
    case 'overloaded':
      return { code: 'overloaded', detail: 'The database is at its limit.', retryAfterSeconds: 1 };
    case 'unknown-outcome':
      return {
        code: 'outcome-unknown',
        detail: 'The connection broke at the wrong moment. Repeat the request; a POST with the same Idempotency-Key.',
        retryAfterSeconds: 1,
      };
    default:
      return undefined;
  }
}
