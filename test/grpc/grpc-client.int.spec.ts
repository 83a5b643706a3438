// Goal: a service calls another one over gRPC and gets an answer, a refusal with details, or a timeout within the deadline,
// also across restarts of the other service and token rotation. Method: the client of the kit calls the real catalogue on a
// real database.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogProto, Problem } from '@gravity/contracts';
import { EnvReader, monotonicMs, newId, type Result, sleep } from '@gravity/kernel';
import { startTracing } from '@gravity/observability';
import { openDatabase } from '@gravity/persistence';
import {
  bootServices,
  grpcClient,
  type GrpcClient,
  migrateService,
  readGrpcClient,
  type RunningServices,
} from '@gravity/service';
import {
  engines,
  eventually,
  freePort,
  freshDatabase,
  type FreshDatabase,
  localIssuer,
  type LocalIssuer,
  temporaryFolder,
  uniquePrefix,
} from '@gravity/testing';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
import { catalogService } from '../../apps/catalog/src/catalog.service';

type Catalog = GrpcClient<CatalogProto.CatalogServiceClient>;

const SERVICE = { sub: 'svc_spec', roles: ['service'] };
let database: FreshDatabase;
let issuer: LocalIssuer;
let env: Record<string, string>;
let grpcPort: number;
let running: RunningServices;
let token: string;
let clients: { close(): void }[] = [];

beforeAll(async () => {
  [database, issuer, grpcPort] = await Promise.all([freshDatabase('grpc client'), localIssuer(), freePort()]);
  env = {
    ...issuer.env,
    CATALOG_DATABASE_URL: database.url,
    KAFKA_BROKERS: engines().kafkaBrokers,
    KAFKA_TOPIC_PREFIX: uniquePrefix(),
    CURSOR_SECRET: 'a cursor secret that is long enough',
    LOG_LEVEL: 'silent',
  };
  await migrateService(catalogService, env);
  token = await issuer.mint(SERVICE);
  running = await boot();
});

afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});

afterAll(async () => {
  await running?.close();
  await database?.drop();
});

function boot(): Promise<RunningServices> {
  return bootServices([catalogService], { env, port: 0, grpcPort });
}

/** A client that is configured from the environment, like a service. */
function connect(more: Record<string, string> = { SERVICE_TOKEN: token }): Catalog {
  const read = new EnvReader({ CATALOG_GRPC_ADDRESS: `127.0.0.1:${grpcPort}`, ...more });
  const options = readGrpcClient(read, 'catalog');
  read.done();
  const client = grpcClient<CatalogProto.CatalogServiceClient>('catalog', options);
  clients.push(client);
  return client;
}

function problemOf(result: Result<unknown, Problem>): Problem {
  if (result.ok) throw new Error(`not refused: ${JSON.stringify(result.value)}`);
  return result.error;
}

const ALL = {
  shopId: '',
  merchantId: '',
  productId: '',
  attributes: {},
  listed: undefined,
  pageSize: 10,
  pageToken: '',
};

it('answers', async () => {
  const result = await connect().listSkus(ALL);
  expect(result).toMatchObject({ ok: true, value: { skus: [] } });
});

it('returns a refusal with its details', async () => {
  const skuId = newId('sku');
  expect(problemOf(await connect().getSku({ skuId }))).toMatchObject({
    code: 'not-found',
    detail: expect.stringContaining(skuId) as string,
  });
  const refused = problemOf(await connect().listSkus({ ...ALL, pageSize: 1_000_000 }));
  expect(refused.code).toBe('invalid-request');
  expect(refused.errors?.map(({ pointer }) => pointer)).toEqual([expect.stringMatching(/limit|page_size/)]);
});

it('carries the trace to the other service', async () => {
  const exporter = new InMemorySpanExporter();
  const tracing = await startTracing({}, 'spec', exporter);
  try {
    await connect().getSku({ skuId: newId('sku') });
    await eventually(async () => {
      const spans = new Map(exporter.getFinishedSpans().map((span) => [span.name.split(' ')[0], span]));
      const [call, serve] = [spans.get('call')!, spans.get('serve')!];
      expect(serve.spanContext().traceId).toBe(call.spanContext().traceId);
      expect(serve.parentSpanContext?.spanId).toBe(call.spanContext().spanId);
    });
  } finally {
    await tracing.shutdown();
  }
});

it('times out at its deadline, or at an earlier deadline of the caller', async () => {
  const locker = openDatabase({ url: database.url, applicationName: 'spec', poolSize: 1 });
  const release = new AbortController();
  const locked = locker.transaction(async (tx) => {
    await tx.query('lock table skus in access exclusive mode');
    await sleep(20_000, release.signal);
  });
  try {
    await sleep(200);
    const catalog = connect();
    for (const bound of ['own', 'caller'] as const) {
      const startedMs = monotonicMs();
      const options =
        bound === 'own' ? { deadlineMs: 300 } : { deadlineMs: 60_000, callerDeadlineMs: Date.now() + 300 };
      expect(problemOf(await catalog.getSku({ skuId: newId('sku') }, options))).toMatchObject({ code: 'unavailable' });
      const tookMs = monotonicMs() - startedMs;
      expect(tookMs).toBeGreaterThan(250);
      expect(tookMs).toBeLessThan(2_000);
    }
    const late = await catalog.getSku({ skuId: newId('sku') }, { callerDeadlineMs: Date.now() - 1 });
    expect(problemOf(late).code).toBe('unavailable');
  } finally {
    release.abort();
    await locked;
    await locker.close();
  }
});

it('repeats a read over a restart of the service', async () => {
  const catalog = connect();
  expect((await catalog.getSku({ skuId: newId('sku') })).ok).toBe(false);
  await running.close();
  const asked = catalog.listSkus(ALL, { deadlineMs: 20_000 });
  await sleep(150);
  running = await boot();
  expect(await asked).toMatchObject({ ok: true });
});

it('reports an unavailable service', async () => {
  const port = await freePort();
  const catalog = connect({ SERVICE_TOKEN: token, CATALOG_GRPC_ADDRESS: `127.0.0.1:${port}` });
  expect(problemOf(await catalog.getSku({ skuId: newId('sku') }, { deadlineMs: 400 }))).toMatchObject({
    code: 'unavailable',
    retryAfterSeconds: 1,
  });
});

it('is refused with a foreign token, and uses a rotated token', async () => {
  const wrong = await (await localIssuer()).mint(SERVICE);
  expect(problemOf(await connect({ SERVICE_TOKEN: wrong }).listSkus(ALL)).code).toBe('unauthenticated');
  const file = join(await temporaryFolder(), 'token');
  await writeFile(file, `${wrong}\n`);
  const catalog = connect({ SERVICE_TOKEN_FILE: file });
  expect(problemOf(await catalog.listSkus(ALL)).code).toBe('unauthenticated');
  await writeFile(file, token);
  expect((await catalog.listSkus(ALL)).ok).toBe(true);
});

it('names missing configuration', () => {
  expect(() => connect({})).toThrow('neither SERVICE_TOKEN nor SERVICE_TOKEN_FILE is set');
});
