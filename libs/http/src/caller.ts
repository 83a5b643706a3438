// Who calls: the identity inside a checked token.

export const ROLES = ['buyer', 'merchant', 'anchor', 'operator', 'service'] as const;
export type Role = (typeof ROLES)[number];

/** The caller of a request, as its token states it. */
export interface CallerIdentity {
  /** Subject: the buyer's, merchant's or operator's id. */
  readonly sub: string;
  readonly roles: ReadonlySet<Role>;
  /** The merchant whose objects a caller with the role `merchant` may see. */
  readonly merchantId?: string;
  /** The roles as bits, for one-instruction checks. */
  readonly roleMask: number;
}

const BITS = new Map<string, number>(ROLES.map((role, index) => [role, 1 << index]));

/** The bit set of some roles. */
export function roleMaskOf(roles: Iterable<Role>): number {
  let mask = 0;
  for (const role of roles) mask |= BITS.get(role) ?? 0;
  return mask;
}

/** A set for each combination that was seen, shared by all callers who have these roles: a crowd is remembered. */
const SETS = new Map<number, ReadonlySet<Role>>();

function rolesOf(mask: number): ReadonlySet<Role> {
  const known = SETS.get(mask) ?? new Set(ROLES.filter((role) => (mask & BITS.get(role)!) !== 0));
  SETS.set(mask, known);
  return known;
}

/** Builds an identity from claims; roles this version does not know are dropped. */
export function callerFromClaims(claims: { sub: string; roles?: unknown; merchantId?: unknown }): CallerIdentity {
  const named = Array.isArray(claims.roles) ? claims.roles : [];
  const roleMask = roleMaskOf(ROLES.filter((role) => named.includes(role)));
  const roles = rolesOf(roleMask);
  const stated = typeof claims.merchantId === 'string' ? claims.merchantId : undefined;
  const merchantId = stated ?? (roles.has('merchant') && claims.sub.startsWith('mer_') ? claims.sub : undefined);
  return { sub: claims.sub, roles, roleMask, ...(merchantId === undefined ? {} : { merchantId }) };
}
