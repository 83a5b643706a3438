// A limit on callers whom nobody knows: requests without a good token, by the address they come from. A token that was
// checked before passes by this; a new one is not checked while its address has spent what it may get wrong.
import { ProblemError } from '@gravity/contracts';
import type { CallerIdentity } from './caller';
import type { HttpReply } from './fastify-types';
import type { RateLimiter } from './rate-limiter';
import type { RateLimitRule } from './route-policy';
import { type TokenVerifier, unauthenticated } from './token-verifier';

/** The limit's name in Redis and in `RateLimit` headers. */
const STRANGERS = 'strangers';
const BURST_SECONDS = 4;
const IPV6_GROUPS = 8;
/** One line is given a /64 as a rule: whoever has one has all of its addresses. */
const IPV6_GROUPS_KEPT = 4;

/** Counts bad and missing tokens per address, and refuses an address that sends too many. */
export class StrangerLimit {
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
    if (this.rule.perSecond > 0) this.limiter.enforce(STRANGERS, this.rule, addressGroup(address), reply);
    return unauthenticated(detail);
  }

  /** Checks a token that is seen for the first time; throws what the verifier throws, or `rate-limited` instead. */
  async verify(verifier: TokenVerifier, header: string, address: string, reply?: HttpReply): Promise<CallerIdentity> {
    if (this.rule.perSecond === 0) return verifier.verify(header);
    const group = addressGroup(address);
    this.limiter.refuseSpent(STRANGERS, this.rule, group, reply);
    try {
      return await verifier.verify(header);
    } catch (error) {
      // Good tokens cost nothing here: behind one address there may be a whole town.
      if (error instanceof ProblemError && error.problem.code === 'unauthenticated') {
        this.limiter.charge(STRANGERS, this.rule, group);
      }
      throw error;
    }
  }
}

/** What counts as one address: an IPv4 address, or the /64 of an IPv6 address. */
export function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, IPV6_GROUPS - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  const kept = groups.slice(0, IPV6_GROUPS_KEPT).map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''));
  return `${kept.join(':')}::/64`;
}
