// Goal: the table of contents of every service is complete: each part finds what it asks for, with no engine running.
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  APP_ENVIRONMENT,
  APP_LOGGER,
  CursorSigner,
  HealthRegistry,
  RateLimiter,
  type ServiceDefinition,
  ShutdownHooks,
  TokenVerifier,
} from '@gravity/http';
import { createLogger } from '@gravity/observability';
import { catalogService } from '../../apps/catalog/src/catalog.service-definition';
import { ordersService } from '../../apps/orders/src/orders.service-definition';
import { paymentsSandboxService } from '../../apps/payments-sandbox/src/payments-sandbox.service-definition';

const nobody = '127.0.0.1:9';
const env = {
  DATABASE_URL: `postgres://nobody:nothing@${nobody}/postgres`,
  REDIS_URL: `redis://${nobody}`,
  KAFKA_BROKERS: nobody,
  PAYMENT_PROVIDER: 'sandbox',
  PAYMENTS_PROVIDER_URL: `http://${nobody}`,
  PAYMENTS_PROVIDER_KEY: 'a-key-of-enough-characters',
  PAYMENTS_CALLBACK_URL: `http://${nobody}/orders/v1/payment-callbacks/sandbox`,
  PAYMENTS_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
};
const logger = createLogger({ service: 'wiring', level: 'error' });

/** What bootServices gives to every module. */
const platform = [
  { provide: APP_LOGGER, useValue: logger },
  { provide: APP_ENVIRONMENT, useValue: env },
  { provide: CursorSigner, useFactory: () => new CursorSigner('a-secret-of-at-least-32-characters') },
  { provide: RateLimiter, useFactory: () => new RateLimiter({ redisUrl: undefined, logger }) },
  {
    provide: TokenVerifier,
    useFactory: () => new TokenVerifier({ issuer: 'x', audience: 'x', keys: { set: { keys: [] } } }),
  },
  HealthRegistry,
  ShutdownHooks,
];

@Module({})
class PlatformParts {}

const services: [string, () => ServiceDefinition][] = [
  ['catalog', () => catalogService(env)],
  ['orders', () => ordersService(env)],
  ['payments-sandbox', () => paymentsSandboxService(env)],
];

it.each(services)('%s finds all its parts', async (name, define) => {
  const service = define();
  const parts = {
    module: PlatformParts,
    global: true,
    providers: platform,
    exports: platform.map((part) => ('provide' in part ? part.provide : part)),
  };
  const compiled = await Test.createTestingModule({ imports: [parts, service.module] }).compile();
  expect(service.name).toBe(name);
  if (service.eventServer !== undefined) expect(compiled.get(service.eventServer, { strict: false })).toBeDefined();
});

it.each(services.filter(([name]) => name !== 'payments-sandbox'))(
  '%s says in one line what is not configured',
  (_name, define) => {
    const kept = env.KAFKA_BROKERS;
    try {
      Object.assign(env, { KAFKA_BROKERS: '' });
      expect(define).toThrow(/KAFKA_BROKERS is not set/);
    } finally {
      env.KAFKA_BROKERS = kept;
    }
  },
);
