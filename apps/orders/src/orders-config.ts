// The configuration of orders beside that of every service.
import type { EnvReader } from '@gravity/kernel';
import { type OpenPaymentProvider, readPaymentProvider } from './payments/provider-from-env';

export const SERVICE = 'orders';

export interface OrdersConfig {
  readonly redisUrl: string;
  readonly gateTimeoutMs: number;
  readonly claimsPerBatch: number;
  readonly claimsQueued: number;
  readonly pendingGraceMs: number;
  /** For series whose openings are drawn: how long after an opening, and the key of the draw. Alike in all processes. */
  readonly openingDraw: { readonly windowMs: number; readonly secret: string };
  readonly openProvider: OpenPaymentProvider;
}

export function readOrdersConfig(read: EnvReader): OrdersConfig {
  return {
    openingDraw: {
      windowMs: read.integer('CLAIM_DRAW_MS', 200, { min: 50, max: 10_000 }),
      secret: read.text('CURSOR_SECRET'),
    },
    redisUrl: read.text('REDIS_URL'),
    gateTimeoutMs: read.integer('GATE_TIMEOUT_MS', 1_000, { min: 10, max: 10_000 }),
    claimsPerBatch: read.integer('CLAIMS_PER_BATCH', 256, { min: 1, max: 5_000 }),
    claimsQueued: read.integer('CLAIMS_QUEUED', 8_192, { min: 1, max: 1_000_000 }),
    pendingGraceMs: read.integer('GATE_PENDING_GRACE_MS', 5_000, { min: 100, max: 600_000 }),
    openProvider: readPaymentProvider(read),
  };
}
