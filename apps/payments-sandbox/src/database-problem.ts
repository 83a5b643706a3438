import type { Problem } from '@gravity/contracts';
import { classifyDatabaseError } from '@gravity/persistence';

/** What a database's failure means to a caller; undefined when it is a bug. */
export function databaseProblem(error: unknown): Problem | undefined {
  switch (classifyDatabaseError(error)) {
    case 'unavailable':
      return { code: 'unavailable', detail: 'The database does not answer. Repeat the request.' };
    case 'overloaded':
    case 'conflict':
      return { code: 'overloaded', detail: 'The database is at its limit. Repeat the request.' };
    case 'unknown-outcome':
      return { code: 'outcome-unknown', detail: 'The connection was lost. Repeat with the same Idempotency-Key.' };
    case 'bug':
      return undefined;
  }
}
