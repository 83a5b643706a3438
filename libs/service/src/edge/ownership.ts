// Whose object is it? The one place that answers. A foreign object is answered like one that does not exist, so ids
// cannot be probed.
import { type Problem, refuse } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { idFromUuid, type IdKind, ok, type Result, uuidFromId } from '@gravity/kernel';

/** What a caller may see of merchants' objects: everything, or what is its own beside what is public. */
export interface Visibility {
  readonly everything: boolean;
  /** The uuid of the caller's merchant. */
  readonly merchantId?: string;
}

/** Operators and services see everything, merchants their own and what is public, others what is public. */
export function visibilityOf(caller: CallerIdentity): Visibility {
  if (caller.roles.has('operator') || caller.roles.has('service')) return { everything: true };
  const merchantId = ownMerchant(caller);
  return { everything: false, ...(merchantId === undefined ? {} : { merchantId }) };
}

/** The uuid of the merchant that the caller acts for, if it acts for one. */
export function ownMerchant(caller: CallerIdentity): string | undefined {
  if (!caller.roles.has('merchant') || caller.merchantId === undefined) return undefined;
  return uuidFromId('merchant', caller.merchantId);
}

/** Whether the caller may change objects of the merchant: an operator any, a merchant its own. */
export function mayChange(caller: CallerIdentity, merchantId: string): boolean {
  return caller.roles.has('operator') || ownMerchant(caller) === merchantId;
}

/** Whether the caller sees all objects of the merchant, public or not. */
export function seesAllOf(caller: CallerIdentity, merchantId: string): boolean {
  const visibility = visibilityOf(caller);
  return visibility.everything || visibility.merchantId === merchantId;
}

/** The buyer and the merchant that an object is about. */
export interface Parties {
  readonly buyerId: string;
  /** A uuid. */
  readonly merchantId: string;
}

/** Whether the caller may see the object: a buyer and a merchant their own, operators and services any. */
export function maySee(caller: CallerIdentity, { buyerId, merchantId }: Parties): boolean {
  return seesAllOf(caller, merchantId) || (caller.roles.has('buyer') && caller.sub === buyerId);
}

/** What narrows a list to the caller's objects; empty when it sees all, undefined when it has none. */
export function ownObjects(caller: CallerIdentity): Partial<Parties> | undefined {
  const { everything, merchantId } = visibilityOf(caller);
  if (everything) return {};
  if (caller.roles.has('buyer')) return { buyerId: caller.sub };
  return merchantId === undefined ? undefined : { merchantId };
}

/** The object, if there is one and it passes the test; otherwise `not-found`. `id` is the uuid that was asked for. */
export function found<T>(
  kind: IdKind,
  id: string,
  object: T | undefined,
  passes: (object: T) => boolean = () => true,
): Result<T, Problem> {
  if (object !== undefined && passes(object)) return ok(object);
  return notFound(kind, idFromUuid(kind, id));
}

/** The refusal for what does not exist for this caller. `id` as it stands on the wire. */
export function notFound(kind: IdKind, id: string): { ok: false; error: Problem } {
  return refuse('not-found', `There is no ${kind} ${id.slice(0, 64)} for this caller.`);
}
