// Goal: the dependencies of every service resolve without engines, and a service reports missing configuration in one line.
// Method: the modules of each service are compiled, and its configuration is read without its keys.
import { problemOfDatabaseError, readHttpConfig } from '@gravity/http';
import { createLogger } from '@gravity/observability';
import { bootServices, coreOf, PlatformModule, readServiceConfig } from '@gravity/service';
import { localIssuer } from '@gravity/testing';
import { Test } from '@nestjs/testing';
import { SERVICES } from '../../apps/services';

const unused = '127.0.0.1:9';
const env = {
  AUTH_ISSUER: 'https://issuer.test',
  AUTH_JWKS: '{"keys":[]}',
  CURSOR_SECRET: 'a-secret-of-at-least-32-characters',
  DATABASE_URL: `postgres://unused:unused@${unused}/postgres`,
  REDIS_URL: `redis://${unused}`,
  KAFKA_BROKERS: unused,
  PAYMENT_PROVIDER: 'sandbox',
  PAYMENTS_PROVIDER_URL: `http://${unused}`,
  PAYMENTS_PROVIDER_KEY: 'a-key-of-enough-characters',
  PAYMENTS_CALLBACK_URL: `http://${unused}/orders/v1/payment-callbacks/sandbox`,
  PAYMENTS_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
};
const logger = createLogger({ service: 'wiring', level: 'silent' });
const named = SERVICES.map((service) => [service.name, service] as const);

it.each(named)('%s resolves all dependencies', async (_name, service) => {
  const platform = { config: readHttpConfig(env), env, logger, classifyError: problemOfDatabaseError };
  const compiled = await Test.createTestingModule({ imports: [PlatformModule.around([service], platform)] }).compile();
  expect(compiled.select(coreOf(service.name))).toBeDefined();
  for (const worker of service.workers) expect(compiled.get(worker, { strict: false })).toBeInstanceOf(worker);
});

it.each(named)('%s names missing configuration', (_name, service) => {
  const kafka = service.publishes.length + service.handlers.length > 0;
  const keys = [...(kafka ? ['KAFKA_BROKERS'] : []), ...service.secrets];
  const lacking = { ...env, ...Object.fromEntries(keys.map((key) => [key, ''])) };
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) expect(() => readServiceConfig(service, lacking)).toThrow(key);
});

it('does not start a module whose service is not declared', async () => {
  const issuer = await localIssuer();
  const [first] = SERVICES;
  const started = bootServices([], { env: { ...env, ...issuer.env }, port: 0, logger, extraModules: [first!.module] });
  await expect(started).rejects.toThrow(`coreOf('${first!.name}')`);
});
