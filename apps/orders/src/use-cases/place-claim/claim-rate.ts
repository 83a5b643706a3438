import type { RateLimitRule } from '@gravity/http';

/** How often one buyer may ask for a claim, over HTTP and gRPC together. Without Redis each process counts for itself. */
export const CLAIM_RATE: RateLimitRule = { perSecond: 50, burst: 200, scope: 'caller', onRedisDown: 'open' };
