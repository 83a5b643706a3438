// Checks of Dockerfile and docker-compose.yml that need no container engine.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, SERVICES, text, yaml } from './files';

interface ComposeService {
  image: string;
  command?: string[];
  ports?: string[];
  environment?: Record<string, unknown>;
  healthcheck?: { test?: string[]; disable?: boolean };
  read_only?: boolean;
  cap_drop?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
}

const compose = yaml<{ services: Record<string, ComposeService>; volumes: Record<string, null> }>('docker-compose.yml');
const entries = Object.entries(compose.services);
const OUR_IMAGE = 'gravity:dev';

test('the image runs Node 24, stops on SIGTERM, has no root and no npm', () => {
  const dockerfile = text('Dockerfile');
  const runtime = dockerfile.slice(dockerfile.indexOf('AS runtime'));
  expect(dockerfile).toMatch(/NODE_IMAGE=node:24/);
  expect(runtime).toMatch(/^USER 10001/m);
  expect(runtime).toMatch(/^STOPSIGNAL SIGTERM$/m);
  expect(runtime).toMatch(/HEALTHCHECK[\s\S]*\/health\/live/);
  expect(runtime).not.toMatch(/npm (ci|install)/);
  expect(dockerfile.match(/npm ci[^&\n]*/g)).toEqual([
    'npm ci --ignore-scripts',
    'npm ci --omit=dev --omit=optional --ignore-scripts ',
  ]);
});

test('everything that the image copies exists and passes .dockerignore', () => {
  const allowed = text('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const copied = [...text('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) =>
    paths.split(' '),
  );
  for (const path of copied) {
    expect({ path, exists: existsSync(join(ROOT, path)) }).toEqual({ path, exists: true });
    expect(allowed).toContain(path.split('/')[0]);
  }
});

test('every service and tool that a container starts exists', () => {
  const started = entries.flatMap(([, service]) => service.command ?? []).filter((word) => word.startsWith('dist/'));
  expect(new Set(started.map((path) => path.split('/')[2]))).toEqual(new Set([...SERVICES, 'secrets', 'sale']));
  for (const path of started) {
    const source = path.replace(/^dist\//, '').replace(/\.js$/, '.ts');
    expect({ source, exists: existsSync(join(ROOT, source)) }).toEqual({ source, exists: true });
  }
});

test('ports are bound to loopback only', () => {
  const ports = entries.flatMap(([, service]) => service.ports ?? []);
  expect(ports.length).toBeGreaterThan(0);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
});

test('images are pinned to a version', () => {
  for (const [name, { image }] of entries) {
    if (image === OUR_IMAGE) continue;
    expect(`${name} ${image}`).toMatch(/:v?\d[\w.-]*$/);
  }
});

test('every container has a health check, and starts after its dependencies are healthy', () => {
  for (const [name, service] of entries) {
    const conditions = Object.entries(service.depends_on ?? {});
    for (const [needed, { condition }] of conditions) {
      const task = compose.services[needed]?.healthcheck?.disable === true;
      expect({ name, needed, condition }).toEqual({
        name,
        needed,
        condition: task ? 'service_completed_successfully' : 'service_healthy',
      });
    }
    // Our own image contains its health check.
    if (service.image !== OUR_IMAGE)
      expect({ name, check: Array.isArray(service.healthcheck?.test) }).toEqual({ name, check: true });
  }
});

test('our containers have read-only file systems and no privileges', () => {
  for (const [name, service] of entries.filter(([, { image }]) => image === OUR_IMAGE)) {
    expect({ name, readOnly: service.read_only, dropped: service.cap_drop }).toEqual({
      name,
      readOnly: true,
      dropped: ['ALL'],
    });
    const writes = service.volumes?.includes('secrets:/secrets') === true;
    expect({ name, writes }).toEqual({ name, writes: name === 'secrets' || name === 'sale' });
  }
});

test('the files contain no secret', () => {
  const source = text('docker-compose.yml') + text('Dockerfile');
  expect(source).not.toMatch(/whsec_|eyJ|-----BEGIN|:\/\/[^\s/:@]+:[^\s/@]+@/);
  expect(source).not.toMatch(/(?:PASSWORD|SECRETS?|PROVIDER_KEY)\s*[:=]\s*['"]?\w/);
});
