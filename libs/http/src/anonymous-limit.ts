// The limit on anonymous callers: requests without a valid token, counted by address. Tokens that were checked before
// are not affected. A new token is not checked while its address has reached the limit.
import { ProblemError } from '@gravity/contracts';
import ipaddr from 'ipaddr.js';
import type { CallerIdentity } from './caller';
import type { HttpReply } from './fastify-types';
import type { RateLimiter } from './rate-limiter';
import type { RateLimitRule } from './route-policy';
import { type TokenVerifier, unauthenticated } from './token-verifier';

/** The limit's name in Redis and in `RateLimit` headers. */
const ANONYMOUS = 'anonymous';
const BURST_SECONDS = 4;
/** A provider usually gives one subscriber a whole /64. */
const IPV6_PREFIX_BITS = 64;

/** Counts invalid and missing tokens per address, and refuses an address that sends too many. */
export class AnonymousLimit {
  private readonly rule: RateLimitRule;

  /** `perSecond` 0: no limit. */
  constructor(
    private readonly limiter: RateLimiter,
    perSecond: number,
  ) {
    this.rule = { perSecond, burst: perSecond * BURST_SECONDS, scope: 'address', onRedisDown: 'open' };
  }

  /** The error for a request without a token: `unauthenticated`, or `rate-limited` after too many. */
  missingToken(detail: string, address: string, reply?: HttpReply): ProblemError {
    if (this.rule.perSecond > 0) this.limiter.enforce(ANONYMOUS, this.rule, addressGroup(address), reply);
    return unauthenticated(detail);
  }

  /** Checks a new token. Throws the verifier's error, or `rate-limited`. */
  async verify(verifier: TokenVerifier, header: string, address: string, reply?: HttpReply): Promise<CallerIdentity> {
    if (this.rule.perSecond === 0) return verifier.verify(header);
    const group = addressGroup(address);
    this.limiter.refuseSpent(ANONYMOUS, this.rule, group, reply);
    try {
      return await verifier.verify(header);
    } catch (error) {
      // Valid tokens are not counted: many people may share one address.
      if (error instanceof ProblemError && error.problem.code === 'unauthenticated') {
        this.limiter.charge(ANONYMOUS, this.rule, group);
      }
      throw error;
    }
  }
}

/** The unit of the limit: an IPv4 address, or the /64 of an IPv6 address. Other texts are kept. */
export function addressGroup(address: string): string {
  // gRPC writes IPv6 addresses in brackets.
  const bare = address.replace(/^\[(.*)\]$/, '$1');
  if (!ipaddr.isValid(bare)) return address;
  const parsed = ipaddr.process(bare);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const prefix = `${parsed.toString().replace(/%.*$/, '')}/${IPV6_PREFIX_BITS}`;
  return `${ipaddr.IPv6.networkAddressFromCIDR(prefix).toString()}/${IPV6_PREFIX_BITS}`;
}
