// Who may change and see what. Somebody else's object is answered like one that does not exist, so ids cannot be probed.
import { type Problem, refuse } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { type IdKind, type Result, ok, uuidFromId } from '@gravity/kernel';
import type { Visibility } from './storage/sku.repository';

/** The merchant of the caller as uuid, if it has one. */
export function ownMerchant(caller: CallerIdentity): string | undefined {
  if (!caller.roles.has('merchant') || caller.merchantId === undefined) return undefined;
  return uuidFromId('merchant', caller.merchantId);
}

/** True for callers that see and change everything. */
function isStaff(caller: CallerIdentity): boolean {
  return caller.roles.has('operator');
}

/** May this caller change objects of that merchant (a uuid)? */
export function mayChange(caller: CallerIdentity, merchantId: string): boolean {
  return isStaff(caller) || ownMerchant(caller) === merchantId;
}

/** Operators and services see everything, merchants their own and what is listed, everybody else what is listed. */
export function visibilityOf(caller: CallerIdentity): Visibility {
  if (isStaff(caller) || caller.roles.has('service')) return { everything: true };
  const ownMerchantId = ownMerchant(caller);
  return { everything: false, ...(ownMerchantId === undefined ? {} : { ownMerchantId }) };
}

/** The refusal for what does not exist or is somebody else's. */
export function notFound(kind: IdKind, id: string): { ok: false; error: Problem } {
  return refuse('not-found', `There is no ${kind} ${id} for this caller.`);
}

/** The uuid inside an id of a path or a body; anything else does not exist. */
export function parseId(kind: IdKind, id: string): Result<string, Problem> {
  const uuid = uuidFromId(kind, id);
  return uuid === undefined ? notFound(kind, id) : ok(uuid);
}

/** May this caller see everything of that merchant (a uuid), listed or not? */
export function seesAllOf(caller: CallerIdentity, merchantId: string): boolean {
  const visibility = visibilityOf(caller);
  return visibility.everything || visibility.ownMerchantId === merchantId;
}
