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
  /** How long after a round's opening the order of the claims is drawn by buyer; undefined: first come, first served. */
  readonly openingDraw: { readonly windowMs: number; readonly secret: string } | undefined;
}

/** Reads and checks the configuration; throws ConfigurationError. */
export function readOrdersConfig(env: Environment): OrdersConfig {
  const read = new EnvReader(env);
  read.text('KAFKA_BROKERS');
  const windowMs = read.integer('CLAIM_DRAW_MS', 0, { min: 0, max: 10_000 });
  const config = {
    openingDraw: windowMs === 0 ? undefined : { windowMs, secret: read.text('CURSOR_SECRET') },
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
