// What the orders service reads from the environment beside what every service reads.
import type { EnvReader } from '@gravity/kernel';
import { type OpenPaymentProvider, readPaymentProvider } from './payments/provider-from-env';

export const SERVICE = 'orders';

export interface OrdersConfig {
  readonly redisUrl: string;
  readonly gateTimeoutMs: number;
  readonly claimsPerBatch: number;
  readonly claimsQueued: number;
  readonly pendingGraceMs: number;
  /** How long after a round's opening the order of the claims is drawn by buyer; undefined: first come, first served. */
  readonly openingDraw: { readonly windowMs: number; readonly secret: string } | undefined;
  readonly openProvider: OpenPaymentProvider;
}

export function readOrdersConfig(read: EnvReader): OrdersConfig {
  const windowMs = read.integer('CLAIM_DRAW_MS', 0, { min: 0, max: 10_000 });
  return {
    openingDraw: windowMs === 0 ? undefined : { windowMs, secret: read.text('CURSOR_SECRET') },
    redisUrl: read.text('REDIS_URL'),
    gateTimeoutMs: read.integer('GATE_TIMEOUT_MS', 1_000, { min: 10, max: 10_000 }),
    claimsPerBatch: read.integer('CLAIMS_PER_BATCH', 256, { min: 1, max: 5_000 }),
    claimsQueued: read.integer('CLAIMS_QUEUED', 8_192, { min: 1, max: 1_000_000 }),
    pendingGraceMs: read.integer('GATE_PENDING_GRACE_MS', 5_000, { min: 100, max: 600_000 }),
    openProvider: readPaymentProvider(read),
  };
}
