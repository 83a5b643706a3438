// The guard of every service: checks the callers and the rate of each operation. It answers synchronously for a known
// token, because a promise per request is a measurable cost on the buying path.
import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common';
import { ProblemError } from '@gravity/contracts';
import { AnonymousLimit } from './anonymous-limit';
import type { CallerIdentity } from './caller';
import type { HttpReply, HttpRequest } from './fastify-types';
import { RateLimiter } from './rate-limiter';
import { admits, readPolicy, type RoutePolicy } from './route-policy';
import { TokenVerifier, unauthenticated } from './token-verifier';

const MISSING = 'Send an access token as "Authorization: Bearer <token>".';
const GRPC_CALLER = Symbol('caller');

interface MetadataLike {
  get(name: string): unknown[];
  [GRPC_CALLER]?: CallerIdentity;
}

/** Verifies the token, the roles and the rate of every request, as its route declares them. */
@Injectable()
export class CallerGuard implements CanActivate {
  private readonly policies = new Map<object, RoutePolicy>();

  constructor(
    private readonly verifier: TokenVerifier,
    private readonly limiter: RateLimiter,
    private readonly anonymous: AnonymousLimit,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const handler = context.getHandler();
    const policy = this.policies.get(handler) ?? this.learn(handler, context.getClass());
    return context.getType() === 'http'
      ? this.admitHttp(policy, context.getArgByIndex(0), context.getArgByIndex(1))
      : this.admitGrpc(policy, context.getArgByIndex(1), context.getArgByIndex(2));
  }

  private admitHttp(policy: RoutePolicy, request: HttpRequest, reply: HttpReply): boolean | Promise<boolean> {
    request.policy = policy;
    if (policy.access?.kind === 'public') {
      if (policy.rateLimit) this.limiter.enforce(policy.operation, policy.rateLimit, addressOf(request), reply);
      return true;
    }
    const header = request.headers.authorization;
    if (header === undefined) throw this.anonymous.missingToken(MISSING, addressOf(request), reply);
    const known = this.verifier.cached(header);
    if (known === undefined) {
      const checked = this.anonymous.verify(this.verifier, header, addressOf(request), reply);
      return checked.then((caller) => this.admitCaller(policy, request, reply, caller));
    }
    return this.admitCaller(policy, request, reply, known);
  }

  private admitCaller(policy: RoutePolicy, request: HttpRequest, reply: HttpReply, caller: CallerIdentity): boolean {
    authorise(policy, caller);
    request.caller = caller;
    if (policy.rateLimit) {
      const subject = policy.rateLimit.scope === 'caller' ? caller.sub : addressOf(request);
      this.limiter.enforce(policy.operation, policy.rateLimit, subject, reply);
    }
    return true;
  }

  private admitGrpc(
    policy: RoutePolicy,
    metadata: MetadataLike,
    call: { getPeer?(): string },
  ): boolean | Promise<boolean> {
    const address = (): string => call.getPeer?.().replace(/:\d+$/, '') ?? 'unknown';
    if (policy.access?.kind === 'public') {
      if (policy.rateLimit) this.limiter.enforce(policy.operation, policy.rateLimit, address());
      return true;
    }
    const header = metadata.get('authorization')[0];
    if (typeof header !== 'string') throw this.anonymous.missingToken(MISSING, address());
    const admit = (caller: CallerIdentity): boolean => {
      authorise(policy, caller);
      metadata[GRPC_CALLER] = caller;
      const rule = policy.rateLimit;
      if (rule) this.limiter.enforce(policy.operation, rule, rule.scope === 'caller' ? caller.sub : address());
      return true;
    };
    const known = this.verifier.cached(header);
    return known === undefined ? this.anonymous.verify(this.verifier, header, address()).then(admit) : admit(known);
  }

  private learn(handler: object, controller: { readonly name: string }): RoutePolicy {
    const policy = readPolicy(handler, controller);
    this.policies.set(handler, policy);
    return policy;
  }
}

/** Clients that disconnect early have no address; they share one bucket. */
function addressOf(request: { readonly ip?: string }): string {
  return request.ip ?? 'gone';
}

function authorise(policy: RoutePolicy, caller: CallerIdentity): void {
  if (policy.access !== undefined && admits(policy.access, caller)) return;
  const detail =
    policy.access === undefined
      ? 'This operation declares no callers.'
      : 'None of the roles in the token may use this operation.';
  throw new ProblemError({ code: 'forbidden', detail });
}

/** The caller of a request behind the guard; throws `unauthenticated` on a public route. */
export function callerOf(request: { readonly caller: CallerIdentity | null }): CallerIdentity {
  if (request.caller === null) throw unauthenticated(MISSING);
  return request.caller;
}

/** The caller of a gRPC call behind the guard. */
export function callerOfGrpc(metadata: object): CallerIdentity {
  const caller = (metadata as Partial<MetadataLike>)[GRPC_CALLER];
  if (caller === undefined) throw unauthenticated(MISSING);
  return caller;
}

/** Handler parameter: the caller, over HTTP or gRPC. Hot handlers read `callerOf(request)`, which is cheaper. */
export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext): CallerIdentity =>
  context.getType() === 'http'
    ? callerOf(context.getArgByIndex<HttpRequest>(0))
    : callerOfGrpc(context.getArgByIndex<object>(1)),
);
