// Who sees which rounds. What a caller may not see is answered like what does not exist, so ids cannot be probed.
import { type Problem, refuse } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { type IdKind, ok, type Result, uuidFromId } from '@gravity/kernel';
import type { RoundFilter } from './storage/rounds.repository';

/** Operators and services see every round, merchants those with an item of theirs, and everybody what is public. */
export function visibilityOf(caller: CallerIdentity): RoundFilter['visibleTo'] {
  if (seesEverything(caller)) return { everything: true };
  const merchantId = ownMerchant(caller);
  return { everything: false, ...(merchantId === undefined ? {} : { merchantId }) };
}

/** True for callers that see every round and every counter. */
export function seesEverything(caller: CallerIdentity): boolean {
  return caller.roles.has('operator') || caller.roles.has('service');
}

/** The merchant of the caller as uuid, if it has one. */
export function ownMerchant(caller: CallerIdentity): string | undefined {
  if (!caller.roles.has('merchant') || caller.merchantId === undefined) return undefined;
  return uuidFromId('merchant', caller.merchantId);
}

/** The refusal for what does not exist for this caller. */
export function notFound(kind: IdKind, id: string): { ok: false; error: Problem } {
  return refuse('not-found', `There is no ${kind} ${id.slice(0, 64)} for this caller.`);
}

/** The uuid inside an id of a path; anything else does not exist. */
export function parsePathId(kind: IdKind, id: string): Result<string, Problem> {
  const uuid = uuidFromId(kind, id);
  return uuid === undefined ? notFound(kind, id) : ok(uuid);
}
