// What the orders service reads from the environment.
import { type Environment, EnvReader } from '@gravity/kernel';
import { serviceDatabaseUrl } from '@gravity/persistence';

export const SERVICE = 'orders';

export interface OrdersConfig {
  readonly databaseUrl: string;
  readonly poolSize: number;
  readonly redisUrl: string;
  readonly gateTimeoutMs: number;
  readonly kafkaBrokers: readonly string[];
  readonly topicPrefix: string;
  readonly claimsPerBatch: number;
  readonly claimsQueued: number;
  readonly pendingGraceMs: number;
  /** For series whose openings are drawn: how long after an opening, and the key of the draw. Alike in all processes. */
  readonly openingDraw: { readonly windowMs: number; readonly secret: string };
}

/** Reads and checks the configuration; throws ConfigurationError. */
export function readOrdersConfig(env: Environment): OrdersConfig {
  const read = new EnvReader(env);
  read.text('KAFKA_BROKERS');
  const config = {
    openingDraw: {
      windowMs: read.integer('CLAIM_DRAW_MS', 200, { min: 50, max: 10_000 }),
      secret: read.text('CURSOR_SECRET'),
    },
    poolSize: read.integer('ORDERS_POOL_SIZE', 16, { min: 4, max: 200 }),
    redisUrl: read.text('REDIS_URL'),
    gateTimeoutMs: read.integer('GATE_TIMEOUT_MS', 1_000, { min: 10, max: 10_000 }),
    kafkaBrokers: read.list('KAFKA_BROKERS'),
    topicPrefix: read.text('KAFKA_TOPIC_PREFIX', ''),
    claimsPerBatch: read.integer('CLAIMS_PER_BATCH', 256, { min: 1, max: 5_000 }),
    claimsQueued: read.integer('CLAIMS_QUEUED', 8_192, { min: 1, max: 1_000_000 }),
    pendingGraceMs: read.integer('GATE_PENDING_GRACE_MS', 5_000, { min: 100, max: 600_000 }),
  };
  read.done();
  return { ...config, databaseUrl: serviceDatabaseUrl(env, SERVICE) };
}
