// Checks of the kustomize files without rendering, which needs kubectl: see k8s/README.md.
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EVENT_TOPICS } from '@gravity/contracts';
import { filesBelow, manifests, type Manifest, ROOT, SERVICES, text, yaml } from './files';

interface Kustomization {
  resources?: string[];
  components?: string[];
  configMapGenerator?: { envs?: string[]; files?: string[] }[];
  namePrefix?: string;
  labels?: { pairs: Record<string, string> }[];
  patches?: { patch: string }[];
}

const all = manifests();
const of = (kind: string): Manifest[] => all.filter((manifest) => manifest.kind === kind);
const workloads = [...of('Deployment'), ...of('StatefulSet'), ...of('Job')];
const APP = 'k8s/base/app/';

test('the expected workloads exist', () => {
  expect(of('Deployment').map(({ file }) => file)).toEqual([`${APP}deployment.yaml`]);
  expect(
    of('StatefulSet')
      .map(({ metadata }) => metadata.name)
      .sort(),
  ).toEqual(['kafka', 'postgres', 'redis']);
});

test('every referenced file exists, and every file is referenced', () => {
  const named = new Set<string>();
  for (const file of filesBelow('k8s', /^kustomization\.yaml$/)) {
    const { resources = [], components = [], configMapGenerator = [] } = yaml<Kustomization>(file);
    const generated = configMapGenerator.flatMap((map) => [...(map.envs ?? []), ...(map.files ?? [])]);
    for (const entry of [...resources, ...components, ...generated]) {
      const path = join(dirname(file), entry.replace(/^.*=/, ''));
      expect({ file, path, exists: existsSync(join(ROOT, path)) }).toEqual({ file, path, exists: true });
      named.add(statSync(join(ROOT, path)).isDirectory() ? join(path, 'kustomization.yaml') : path);
    }
  }
  const tops = ['base', 'overlays/local', 'overlays/production', 'observability'].map(
    (folder) => `k8s/${folder}/kustomization.yaml`,
  );
  const files = filesBelow('k8s', /\.(yaml|env|json)$/).filter((file) => !tops.includes(file));
  expect(files.filter((file) => !named.has(file))).toEqual([]);
});

test('pods are restricted, bounded and without a token', () => {
  for (const { file, spec } of workloads) {
    const pod = spec.template.spec;
    const found = {
      file,
      token: pod.automountServiceAccountToken,
      root: pod.securityContext.runAsNonRoot,
      seccomp: pod.securityContext.seccompProfile.type,
    };
    expect(found).toEqual({ file, token: false, root: true, seccomp: 'RuntimeDefault' });
    for (const container of pod.containers) {
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      });
      expect(container.resources.requests.cpu).toBeDefined();
      expect(container.resources.limits.memory).toBe(container.resources.requests.memory);
      expect(container.image).toMatch(/:v?\d[\w.-]*$/);
      if (file.startsWith(APP)) expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
    }
  }
});

test('a service has probes, spread constraints and enough time to stop', () => {
  const [{ spec }] = of('Deployment') as [Manifest];
  const pod = spec.template.spec;
  const [container] = pod.containers;
  expect(container.startupProbe.httpGet.path).toBe('/health/startup');
  expect(container.readinessProbe.httpGet.path).toBe('/health/ready');
  expect(container.livenessProbe.httpGet.path).toBe('/health/live');
  expect(pod.topologySpreadConstraints).toHaveLength(2);
  const shared = text('k8s/base/shared.env');
  const ms = (key: string): number => Number(new RegExp(`^${key}=(\\d+)$`, 'm').exec(shared)?.[1]);
  const needed =
    container.lifecycle.preStop.sleep.seconds + (ms('SHUTDOWN_DRAIN_MS') + ms('SHUTDOWN_TIMEOUT_MS')) / 1_000;
  expect(needed).toBeGreaterThan(0);
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(needed);
  expect(shared).toMatch(/^ADMIN_PORT=9090$/m);
});

test('budgets, services and autoscalers select the serving pods, not the migration', () => {
  const serving = { 'app.kubernetes.io/component': 'api' };
  const from = (kind: string): Manifest => of(kind).find(({ file }) => file.startsWith(APP)) as Manifest;
  expect(from('Deployment').spec.selector.matchLabels).toEqual(serving);
  expect(from('Service').spec.selector).toEqual(serving);
  expect(from('PodDisruptionBudget').spec).toEqual({
    maxUnavailable: 1,
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
    selector: { matchLabels: serving },
  });
  expect(from('HorizontalPodAutoscaler').spec.scaleTargetRef).toEqual({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: 'api',
  });
  expect(from('Job').spec.template.metadata.labels).toEqual({ 'app.kubernetes.io/component': 'migration' });
});

test('each service is named, started and migrated by its folder', () => {
  for (const service of SERVICES) {
    const { namePrefix, labels = [], patches = [] } = yaml<Kustomization>(`k8s/base/${service}/kustomization.yaml`);
    expect(namePrefix).toBe(`${service}-`);
    expect(labels[0]?.pairs['app.kubernetes.io/name']).toBe(service);
    const commands = patches.map(({ patch }) => /value: (\[node.*\])/.exec(patch)?.[1]);
    expect(commands).toEqual([
      `[node, dist/apps/${service}/src/main.js]`,
      `[node, dist/apps/${service}/src/main.js, migrate]`,
    ]);
  }
});

test('network policies deny all traffic except the declared edges', () => {
  const policies = of('NetworkPolicy');
  expect(policies.find(({ metadata }) => metadata.name === 'default-deny')?.spec).toEqual({
    podSelector: {},
    policyTypes: ['Ingress', 'Egress'],
  });
  for (const name of SERVICES) {
    const policy = policies.find(({ metadata }) => metadata.name === name);
    expect(policy?.spec.podSelector.matchLabels).toEqual({ 'app.kubernetes.io/name': name });
    for (const edge of [...policy!.spec.ingress, ...policy!.spec.egress]) expect(edge.ports.length).toBeGreaterThan(0);
  }
  for (const overlay of ['local', 'production']) {
    expect(yaml<{ components: string[] }>(`k8s/overlays/${overlay}/kustomization.yaml`).components).toContain(
      '../../components/network-policies',
    );
  }
});

test('the topics of the catalogue of events are replicated in production', () => {
  const topics = of('KafkaTopic');
  expect(topics.map(({ metadata }) => metadata.name).sort()).toEqual([...EVENT_TOPICS].sort());
  for (const { spec } of topics) expect(spec).toEqual({ partitions: 6, replicas: 3 });
});

test('the files contain no secret', () => {
  expect(of('Secret')).toEqual([]);
  for (const file of filesBelow('k8s', /\.(yaml|env|json)$/)) {
    expect(`${file}\n${text(file)}`).not.toMatch(/secretGenerator|whsec_|eyJ|-----BEGIN|:\/\/[^\s/:@]+:[^\s/@]+@/);
  }
});
