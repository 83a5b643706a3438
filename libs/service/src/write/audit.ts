// What operators do is on record: written in the transaction of the write, never changed, and told apart from the
// events, which say what happened and not who wanted it.
import { type Problem, refuse } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { ok, type Result } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';

export interface AuditRecord {
  readonly caller: CallerIdentity;
  readonly operation: string;
  readonly objectId: string;
  readonly reason?: string | undefined;
  readonly requestId?: string | undefined;
}

/** Appends the record in the transaction of what it tells of. */
export async function appendAudit(tx: Tx, record: AuditRecord): Promise<void> {
  await tx.query(
    `INSERT INTO audit_log (sub, roles, operation, object_id, reason, request_id) VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      record.caller.sub,
      [...record.caller.roles],
      record.operation,
      record.objectId,
      record.reason ?? null,
      record.requestId ?? null,
    ],
  );
}

/** What two people must agree on: `forbidden` for the person who asked for it first. */
export function secondPerson(caller: CallerIdentity, firstSub: string): Result<void, Problem> {
  if (caller.sub !== firstSub) return ok(undefined);
  return refuse('forbidden', 'This needs the agreement of a second person.');
}
