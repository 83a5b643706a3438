// The caller: the identity in a checked token.

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

/** The bit set of the roles. */
export function roleMaskOf(roles: Iterable<Role>): number {
  let mask = 0;
  for (const role of roles) mask |= BITS.get(role) ?? 0;
  return mask;
}

/** One set per combination of roles, shared by all callers with these roles: the token cache holds many callers. */
const SETS = new Map<number, ReadonlySet<Role>>();

function rolesOf(mask: number): ReadonlySet<Role> {
  const known = SETS.get(mask) ?? new Set(ROLES.filter((role) => (mask & BITS.get(role)!) !== 0));
  SETS.set(mask, known);
  return known;
}

/** Builds an identity from claims. Unknown roles are dropped. */
export function callerFromClaims(claims: { sub: string; roles?: unknown; merchantId?: unknown }): CallerIdentity {
  const named = Array.isArray(claims.roles) ? claims.roles : [];
  const roleMask = roleMaskOf(ROLES.filter((role) => named.includes(role)));
  const roles = rolesOf(roleMask);
  const stated = typeof claims.merchantId === 'string' ? claims.merchantId : undefined;
  const merchantId = stated ?? (roles.has('merchant') && claims.sub.startsWith('mer_') ? claims.sub : undefined);
  return { sub: claims.sub, roles, roleMask, ...(merchantId === undefined ? {} : { merchantId }) };
}
