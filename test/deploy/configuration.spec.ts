// Goal: docker-compose.yml and k8s/ give each service the configuration that it reads. Method: the configuration code of the
// service reads these files.
import { join } from 'node:path';
import { readHttpConfig } from '@gravity/http';
import { serviceDatabaseUrl } from '@gravity/persistence';
import { readServiceConfig } from '@gravity/service';
import { localIssuer } from '@gravity/testing';
import { parse } from 'yaml';
import { SERVICES as REGISTRY } from '../../apps/services';
import { serviceEnvironments } from '../../tools/secrets/service-environments';
import { envFile, filesBelow, SERVICES, text, yaml } from './files';

type Env = Record<string, string>;

/** Reads the configuration of a service as at its start. */
function read(service: string, env: Env): void {
  readServiceConfig(SERVICES_BY_NAME.get(service)!, env);
}

const SERVICES_BY_NAME = new Map(REGISTRY.map((declaration) => [declaration.name, declaration]));
/** Keys that Node reads. */
const FOREIGN_KEYS = ['NODE_OPTIONS'];
/** Shared blocks contain a few keys that not all services read. */
const SHARED_KEYS = ['KAFKA_BROKERS', 'KAFKA_TOPIC_PREFIX'];

let generated: ReadonlyMap<string, Env>;

beforeAll(async () => {
  const issuer = await localIssuer();
  const secrets = {
    issuerKey: issuer.privateJwk,
    cursorSecret: 'c'.repeat(43),
    webhookSecret: `whsec_${Buffer.alloc(32).toString('base64')}`,
    providerKey: 'k'.repeat(32),
  };
  generated = serviceEnvironments(secrets, issuer, 'a-password');
});

function secretsOf(service: string): Env {
  return generated.get(service) ?? {};
}

function composeEnv(service: string): Env {
  const compose = yaml<{ services: Record<string, { environment: Record<string, string | number> }> }>(
    'docker-compose.yml',
  );
  const environment = compose.services[service]?.environment ?? {};
  const withDefaults = (value: string): string => value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
  return Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, withDefaults(String(value))]));
}

interface Container {
  resources: { limits: { memory: string } };
}

interface Kustomization {
  components?: string[];
  patches: { target: { kind: string; name?: string }; patch: string }[];
  configMapGenerator?: { name: string; literals?: string[] }[];
}

/** The keys of the Secret that a Deployment or Job uses. */
function secretKeys(folder: string, service: string, kind: 'Deployment' | 'Job'): string[] {
  const patches = yaml<Kustomization>(`k8s/${folder}/kustomization.yaml`).patches;
  const ours = patches.filter(
    ({ target }) => target.kind === kind && (target.name ?? `${service}-api`) === `${service}-api`,
  );
  const references = ours.flatMap(({ patch }) => [
    ...patch.matchAll(/name: (\w+), valueFrom: \{ secretKeyRef: \{ name: ([\w-]+), key: (\w+) \}/g),
  ]);
  for (const [, name, secret, key] of references) expect([secret, key]).toEqual([`${service}-secrets`, name]);
  return references.map(([, name]) => name ?? '');
}

function clusterEnv(service: string, overlay: 'local' | 'production', kind: 'Deployment' | 'Job'): Env {
  const keys = [...secretKeys(`base/${service}`, service, kind), ...secretKeys(`overlays/${overlay}`, service, kind)];
  return {
    ...envFile('k8s/base/shared.env'),
    ...literalsOf(overlay, 'shared'),
    ...envFile(`k8s/base/${service}/config.env`),
    ...literalsOf(overlay, `${service}-config`),
    ...Object.fromEntries(keys.map((key) => [key, secretsOf(service)[key] ?? ''])),
  };
}

/** The ConfigMap of an overlay and its components. */
function literalsOf(overlay: string, name: string): Env {
  const folder = `k8s/overlays/${overlay}`;
  const components = yaml<Kustomization>(`${folder}/kustomization.yaml`).components ?? [];
  const files = [...components.map((path) => join(folder, path)), folder].map((path) => `${path}/kustomization.yaml`);
  const lines = files
    .flatMap((file) => yaml<Kustomization>(file).configMapGenerator ?? [])
    .flatMap((generator) => (generator.name === name ? (generator.literals ?? []) : []));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** Services of an overlay: production has no sandbox provider. */
const servicesOf = (overlay: 'local' | 'production'): readonly string[] =>
  SERVICES.filter((service) => overlay === 'local' || service !== 'payments-sandbox');

/** The operator of a production cluster adds a provider. There is no other adapter yet, so the sandbox's stands in. */
const WITH_PROVIDER = { PAYMENT_PROVIDER: 'sandbox', PAYMENTS_PROVIDER_URL: 'https://payments.example.com' };

/** The memory limit of a Deployment: from its own patch, or the common one. */
function memoryLimitMiB(service: string): number {
  const patches = yaml<Kustomization>(`k8s/base/${service}/kustomization.yaml`).patches;
  const operations = patches
    .filter(({ target }) => target.kind === 'Deployment')
    .flatMap(({ patch }) => parse(patch) as { path: string; value: Container['resources'] }[]);
  const patched = operations.find(({ path }) => path.endsWith('/containers/0/resources'))?.value;
  const common = yaml<{ spec: { template: { spec: { containers: Container[] } } } }>('k8s/base/app/deployment.yaml');
  const limit = (patched ?? common.spec.template.spec.containers[0]!.resources).limits.memory;
  return Number.parseInt(limit, 10) * (limit.endsWith('Gi') ? 1_024 : 1);
}

/** Every key that the code of a service or of the libraries reads. */
function keysRead(service: string): Set<string> {
  const sources = [
    `apps/${service}/src`,
    'libs/http/src',
    'libs/service/src',
    'libs/observability/src',
    'libs/persistence/src',
    'libs/messaging/src',
  ];
  const code = sources
    .flatMap((folder) => filesBelow(folder, /(?<!spec)\.ts$/))
    .map(text)
    .join('\n');
  const keys = [
    ...code.matchAll(/\b(?:read|reader|env)(?:\.(?:text|optional|integer|flag|list)\(|\[)'([A-Z][A-Z0-9_]+)'/g),
  ];
  const prefix = service.replaceAll('-', '_').toUpperCase();
  return new Set([...keys.map(([, key]) => key ?? ''), `${prefix}_DATABASE_URL`, `${prefix}_POOL_SIZE`]);
}

describe.each(SERVICES)('%s', (service) => {
  test('docker-compose.yml: it starts and migrates', () => {
    for (const name of [service, `migrate-${service}`]) {
      const env = { ...composeEnv(name), ...secretsOf(service) };
      read(service, env);
      expect(readHttpConfig(env)).toMatchObject({ host: '0.0.0.0', port: 8080 });
      expect(serviceDatabaseUrl(env, service)).toContain('@postgres:5432/gravity_');
    }
  });

  test('docker-compose.yml: it reads every key that it gets', () => {
    const unread = Object.keys({ ...composeEnv(service), ...secretsOf(service) }).filter(
      (key) => !keysRead(service).has(key),
    );
    // Orders and the sandbox share one block of payment keys.
    expect(unread.filter((key) => !SHARED_KEYS.includes(key) && !/^PAYMENTS?_/.test(key))).toEqual([]);
  });

  const overlays = (['local', 'production'] as const).filter((overlay) => servicesOf(overlay).includes(service));

  test.each(overlays)('k8s/overlays/%s: it starts', (overlay) => {
    const given = clusterEnv(service, overlay, 'Deployment');
    const env = overlay === 'production' ? { ...given, ...WITH_PROVIDER } : given;
    read(service, env);
    expect(readHttpConfig(env)).toMatchObject({ host: '0.0.0.0', port: 8080, grpcPort: 8081, adminPort: 9090 });
  });

  test('k8s: its heap fits into its memory, with the young generation of the image', () => {
    const semiSpace = /--max-semi-space-size=\d+/;
    const options = clusterEnv(service, overlays.at(-1)!, 'Deployment')['NODE_OPTIONS'] ?? '';
    expect(options).toContain(semiSpace.exec(text('Dockerfile'))?.[0]);
    const megabytes = (flag: string): number => Number(new RegExp(`--max-${flag}-size=(\\d+)`).exec(options)?.[1]);
    const heap = megabytes('old-space') + 3 * megabytes('semi-space');
    expect(heap).toBeLessThanOrEqual(0.8 * memoryLimitMiB(service));
  });

  test('k8s: its migration starts', () => {
    const overlay = overlays.at(-1)!;
    const given = clusterEnv(service, overlay, 'Job');
    const env = overlay === 'production' ? { ...given, ...WITH_PROVIDER } : given;
    read(service, env);
    expect(serviceDatabaseUrl(env, service)).toMatch(/gravity_/);
  });

  test('k8s: it reads every key that it gets', () => {
    for (const overlay of overlays) {
      const unread = Object.keys(clusterEnv(service, overlay, 'Deployment')).filter(
        (key) => !keysRead(service).has(key),
      );
      expect(unread.filter((key) => ![...FOREIGN_KEYS, ...SHARED_KEYS].includes(key))).toEqual([]);
    }
  });
});

test('k8s/overlays/production names a payment provider; until it is one with an adapter, orders does not start', () => {
  const env = clusterEnv('orders', 'production', 'Deployment');
  expect(env['PAYMENT_PROVIDER']).toMatch(/^[a-z][a-z-]+$/);
  expect(env['PAYMENT_PROVIDER']).not.toBe('sandbox');
  expect(Object.entries(env).filter(([, value]) => value.includes('sandbox'))).toEqual([]);
  const act = (): unknown => read('orders', env);
  expect(act).toThrow(`PAYMENT_PROVIDER=${env['PAYMENT_PROVIDER']} is not a payment provider`);
  expect(clusterEnv('orders', 'local', 'Deployment')['PAYMENT_PROVIDER']).toBe('sandbox');
});

test('the pattern for keys matches', () => {
  expect([...keysRead('orders')]).toEqual(
    expect.arrayContaining(['CURSOR_SECRET', 'AUTH_ISSUER', 'REDIS_URL', 'PAYMENTS_PROVIDER_KEY', 'LOG_LEVEL']),
  );
});

test('generated values need no quotes in env files', () => {
  for (const env of generated.values()) for (const value of Object.values(env)) expect(value).not.toMatch(/[\n'#\\]/);
});
