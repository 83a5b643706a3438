// The declaration of a handler: its callers, its name, its rate. The guard reads it once per handler, and refuses calls
// of a handler without one.
import { SetMetadata } from '@nestjs/common';
import { type CallerIdentity, type Role, roleMaskOf } from './caller';

const ACCESS = 'gravity:access';
const OPERATION = 'gravity:operation';
const RATE_LIMIT = 'gravity:rate-limit';

export type Access =
  | { readonly kind: 'public'; readonly why: string }
  | { readonly kind: 'callers'; readonly roles: readonly Role[]; readonly mask: number };

/** A limit on how often one caller, or one address, may use an operation. */
export interface RateLimitRule {
  /** Sustained rate per second. */
  readonly perSecond: number;
  /** Requests at once; at least `perSecond`. */
  readonly burst: number;
  readonly scope: 'caller' | 'address';
  /** Without Redis: `open` keeps counting per process, `closed` refuses with 503. */
  readonly onRedisDown: 'open' | 'closed';
}

export interface RoutePolicy {
  /** `placeClaim`; `Class.method` where no operation was declared. */
  readonly operation: string;
  /** Undefined without a declaration: every call is refused. */
  readonly access: Access | undefined;
  readonly rateLimit: RateLimitRule | undefined;
}

/** Only callers with one of these roles. At least one role. */
export function Callers(...roles: readonly [Role, ...Role[]]): MethodDecorator & ClassDecorator {
  return SetMetadata(ACCESS, { kind: 'callers', roles, mask: roleMaskOf(roles) } satisfies Access);
}

/** Allows calls without a token. The reason is for reviewers and for the route inventory. */
export function PublicRoute(why: string): MethodDecorator & ClassDecorator {
  return SetMetadata(ACCESS, { kind: 'public', why } satisfies Access);
}

/** Limits one caller or address; refusals are 429 with `Retry-After`. */
export function RateLimit(rule: RateLimitRule): MethodDecorator {
  return SetMetadata(RATE_LIMIT, rule);
}

/** The stable name of an operation in metrics, traces and the API document. */
export function OperationName(name: string): MethodDecorator {
  return SetMetadata(OPERATION, name);
}

/** Reads the declarations of a handler; the method's own win over its class's. */
export function readPolicy(handler: object, controller: { readonly name: string }): RoutePolicy {
  const read = <T>(key: string): T | undefined =>
    (Reflect.getMetadata(key, handler) as T | undefined) ?? (Reflect.getMetadata(key, controller) as T | undefined);
  return {
    operation: read<string>(OPERATION) ?? `${controller.name}.${(handler as { name?: string }).name ?? 'handler'}`,
    access: read<Access>(ACCESS),
    rateLimit: read<RateLimitRule>(RATE_LIMIT),
  };
}

/** True when the access declaration admits this caller. */
export function admits(access: Access, caller: CallerIdentity): boolean {
  return access.kind === 'public' || (access.mask & caller.roleMask) !== 0;
}
