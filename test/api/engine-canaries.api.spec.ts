// Goal: when an engine does not answer or refuses a login, no password of its URL reaches a log, an answer or a span. Method:
// all services with passwords in every URL, first without engines, then with engines that do not accept the passwords. Every
// operation is called over HTTP and gRPC, at the most verbose log level, with the spans that an exporter gets.
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
import { openApiDocument } from '@gravity/http';
import { bootServices, type RunningServices } from '@gravity/service';
import { newId, newUuid } from '@gravity/kernel';
import { createLogger, startTracing, type Tracing } from '@gravity/observability';
import { engines, freePort, localIssuer, type LocalIssuer } from '@gravity/testing';
import { operationsOf } from '../../tools/contracts/lint-api';
import type { ApiDescription } from '../../tools/contracts/served-api';
import { SERVICES } from '../../apps/services';
import { GrpcMethods } from './grpc-methods';
import { bodySchema, sampleOf } from './sample-bodies';
import { exportedSpans } from './exported-spans';

const PASSWORDS = ['postgresCanary4b1d', 'redisCanary4b1d', 'providerCanary4b1d'] as const;
const ROLES = ['operator', 'buyer'] as const;

let outputs: string[] = [];
const exporter = new InMemorySpanExporter();
let tracing: Tracing;
let issuer: LocalIssuer;
let running: RunningServices;

beforeAll(async () => {
  tracing = await startTracing({}, 'spec', exporter);
  issuer = await localIssuer();
});
afterEach(async () => running?.close());
afterAll(async () => tracing?.shutdown());

/** Starts all services with the passwords in the addresses of the engines. */
async function boot(addresses: { database: string; redis: string }): Promise<void> {
  const nowhere = `127.0.0.1:${await freePort()}`;
  const database = withLogin(addresses.database, PASSWORDS[0]);
  const env = {
    ...issuer.env,
    CATALOG_DATABASE_URL: database,
    ORDERS_DATABASE_URL: database,
    PAYMENTS_SANDBOX_DATABASE_URL: database,
    REDIS_URL: withLogin(addresses.redis, PASSWORDS[1]),
    KAFKA_BROKERS: nowhere,
    CURSOR_SECRET: 'a secret of the test that is long enough',
    PAYMENT_PROVIDER: 'sandbox',
    PAYMENTS_PROVIDER_URL: `http://${nowhere}`,
    PAYMENTS_PROVIDER_KEY: PASSWORDS[2],
    PAYMENTS_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    PAYMENTS_CALLBACK_URL: `http://${nowhere}/callbacks`,
  };
  outputs = [];
  exporter.reset();
  const logger = createLogger({
    service: 'spec',
    level: 'trace',
    destination: { write: (line: string) => void outputs.push(line) },
  });
  running = await bootServices(SERVICES, { env, port: 0, grpcPort: 0, logger });
}

/** The same address with an unknown user. */
function withLogin(address: string, password: string): string {
  const url = new URL(address);
  url.username = 'unknown_user';
  url.password = password;
  return url.toString();
}

/** Calls every operation once, with an allowed role, so that each of them needs an engine. */
async function callAll(): Promise<number[]> {
  const api = JSON.parse(JSON.stringify(openApiDocument(running.app))) as ApiDescription;
  const answers = operationsOf(api).map(async ({ method, path, operation }) => {
    const role = ROLES.find((one) => operation['x-callers']?.includes(one));
    const token = role === undefined ? PASSWORDS[2] : await issuer.mint({ sub: 'caller_1', roles: [role] });
    const schema = bodySchema(operation);
    const answer = await fetch(`${running.url}${path.replaceAll(/\{\w+\}/g, () => newId('order'))}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': newUuid(),
        'if-match': '"1"',
      },
      signal: AbortSignal.timeout(40_000),
      ...(schema === undefined ? {} : { body: JSON.stringify(sampleOf(api, schema)) }),
    });
    outputs.push(await answer.text());
    return answer.status;
  });
  return Promise.all(answers);
}

/** Calls everything, and expects that no output contains a password. */
async function expectNoPassword(): Promise<void> {
  const statuses = await callAll();
  // Some operations failed for want of an engine.
  expect(statuses).toContain(503);
  // No operation answered 500. The log says which one did.
  expect(outputs.filter((line) => line.includes('"request failed"'))).toEqual([]);
  expect(statuses).not.toContain(500);
  const grpc = new GrpcMethods(running.grpcUrl!);
  for (const name of grpc.names)
    outputs.push(JSON.stringify(await grpc.call(name, {}, await issuer.mint({ sub: 'caller_1', roles: [...ROLES] }))));
  grpc.close();
  outputs.push(await (await fetch(`${running.url}/health/ready`)).text());
  const spans = exportedSpans(exporter);
  expect(spans.length).toBeGreaterThanOrEqual(statuses.length);
  expect(outputs.join('')).toContain('listening');
  const everything = outputs.join('') + spans.join('');
  expect(PASSWORDS.filter((password) => everything.includes(password))).toEqual([]);
}

it('shows no password of an engine that does not answer', async () => {
  const nowhere = `127.0.0.1:${await freePort()}`;
  await boot({ database: `postgres://${nowhere}/nothing`, redis: `redis://${nowhere}` });
  await expectNoPassword();
}, 60_000);

it('shows no password of an engine that does not know it', async () => {
  const { databaseUrl, redisUrl } = engines();
  await boot({ database: databaseUrl, redis: redisUrl });
  await expectNoPassword();
  // Both engines refused the login.
  expect(outputs.join('')).toContain('unknown_user');
  expect(outputs.join('')).toContain('WRONGPASS');
}, 60_000);
