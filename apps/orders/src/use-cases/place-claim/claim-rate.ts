import type { RateLimitRule } from '@gravity/http';

/** Claim requests of one buyer, over HTTP and gRPC together. Without Redis each process counts for itself. */
export const CLAIM_RATE: RateLimitRule = { perSecond: 50, burst: 200, scope: 'caller', onRedisDown: 'open' };
