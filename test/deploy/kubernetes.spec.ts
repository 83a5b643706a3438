// Goal: the files of k8s/ are complete, bounded and safe to run. Method: the kustomize tree, file by file, and rendered where
// kubectl is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EVENT_TOPICS } from '@gravity/contracts';
import { parse, parseAllDocuments } from 'yaml';
import { filesBelow, manifests, type Manifest, ROOT, SERVICES, text, yaml } from './files';

interface Kustomization {
  resources?: string[];
  components?: string[];
  configMapGenerator?: { envs?: string[]; files?: string[] }[];
  namePrefix?: string;
  labels?: { pairs: Record<string, string> }[];
  patches?: { target?: { kind?: string }; patch: string }[];
  images?: { name: string; newName?: string; newTag?: string; digest?: string }[];
}

interface Resources {
  requests: Record<string, string>;
  limits: Record<string, string>;
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
      expect({ file, faults: resourceFaults(container.resources) }).toEqual({ file, faults: [] });
      expect(container.image).toMatch(/:v?\d[\w.-]*$/);
      if (file.startsWith(APP)) expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
    }
  }
});

/** Memory is reserved in full, the disk within bounds, and the processor without a limit. */
function resourceFaults({ requests, limits }: Resources): string[] {
  const faults: string[] = [];
  if (requests['cpu'] === undefined) faults.push('requests no cpu');
  if (limits['cpu'] !== undefined) faults.push('limits cpu');
  if (limits['memory'] === undefined || limits['memory'] !== requests['memory']) faults.push('memory request ≠ limit');
  for (const [part, values] of Object.entries({ requests, limits })) {
    if (!/^\d+[MG]i$/.test(values['ephemeral-storage'] ?? '')) faults.push(`${part} no ephemeral-storage`);
  }
  return faults;
}

test('resources that a service sets for itself keep the same rules', () => {
  const patches = SERVICES.flatMap(
    (service) => yaml<Kustomization>(`k8s/base/${service}/kustomization.yaml`).patches ?? [],
  );
  const replaced = patches
    .flatMap(({ patch }) => parse(patch) as { path: string; value: Resources }[])
    .filter(({ path }) => path.endsWith('/resources'));
  expect(replaced.length).toBeGreaterThan(0);
  expect(replaced.flatMap(({ value }) => resourceFaults(value))).toEqual([]);
  expect(resourceFaults({ requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '2Gi' } })).toHaveLength(3);
});

test('a service has probes, spread constraints and enough time to stop', () => {
  const [{ spec }] = of('Deployment') as [Manifest];
  const pod = spec.template.spec;
  const [container] = pod.containers;
  expect(container.startupProbe.httpGet.path).toBe('/health/startup');
  expect(container.readinessProbe.httpGet.path).toBe('/health/ready');
  expect(container.livenessProbe.httpGet.path).toBe('/health/live');
  const spread = pod.topologySpreadConstraints as { topologyKey: string; labelSelector: { matchLabels: object } }[];
  expect(spread.map(({ topologyKey }) => topologyKey)).toEqual([
    'topology.kubernetes.io/zone',
    'kubernetes.io/hostname',
  ]);
  for (const { labelSelector } of spread) expect(labelSelector.matchLabels).toEqual(spec.selector.matchLabels);
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

const production = yaml<Kustomization>('k8s/overlays/production/kustomization.yaml');

test('production runs our image by digest, from a registry that it names', () => {
  const ours = workloads.filter(({ file }) => file.startsWith(APP));
  const containers = ours.flatMap(({ spec }) => spec.template.spec.containers as { image: string }[]);
  const names = containers.map(({ image }) => image.replace(/:.*$/, ''));
  expect(new Set(names)).toEqual(new Set(['gravity']));
  expect(production.images).toHaveLength(1);
  const [image] = production.images!;
  expect(image).toEqual({ name: 'gravity', newName: expect.any(String), digest: expect.any(String) });
  expect(image!.newName).toMatch(/^[a-z0-9.-]+\.[a-z]+\/[a-z0-9/-]+$/);
  expect(image!.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
});

test('production has no sandbox provider', () => {
  const reached = new Set<string>();
  const visit = (folder: string): void => {
    for (const path of filesIn(folder)) {
      if (reached.has(path)) continue;
      reached.add(path);
      if (path.endsWith('/kustomization.yaml')) visit(dirname(path));
    }
  };
  visit('k8s/overlays/production');
  expect([...reached]).toEqual(expect.arrayContaining([`${APP}deployment.yaml`, 'k8s/base/orders/config.env']));
  // What the files say; their comments may name what is left out.
  const said = (file: string): string => text(file).replaceAll(/^\s*#.*$/gm, '');
  expect([...reached].filter((file) => !file.endsWith('.json') && /sandbox/.test(said(file)))).toEqual([]);
  expect(filesIn('k8s/overlays/local')).toContain('k8s/components/payments-sandbox/kustomization.yaml');
});

/** What a kustomization is made of: itself, its files, and the kustomizations that it names. */
function filesIn(folder: string): string[] {
  const own = join(folder, 'kustomization.yaml');
  const { resources = [], components = [], configMapGenerator = [] } = yaml<Kustomization>(own);
  const generated = configMapGenerator.flatMap((map) => [...(map.envs ?? []), ...(map.files ?? [])]);
  const named = [...resources, ...components, ...generated].map((entry) => join(folder, entry.replace(/^.*=/, '')));
  return [
    own,
    ...named.map((path) => (statSync(join(ROOT, path)).isDirectory() ? join(path, 'kustomization.yaml') : path)),
  ];
}

test('engines of production are spread by host and bounded', () => {
  const [postgres] = of('Cluster') as [Manifest];
  expect(postgres.spec.instances).toBeGreaterThanOrEqual(3);
  expect(postgres.spec.affinity).toMatchObject({
    podAntiAffinityType: 'required',
    topologyKey: 'kubernetes.io/hostname',
  });
  const [brokers] = of('KafkaNodePool') as [Manifest];
  const rules = brokers.spec.template.pod.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution;
  expect(rules).toEqual([
    { labelSelector: { matchLabels: { 'gravity/engine': 'kafka' } }, topologyKey: 'kubernetes.io/hostname' },
  ]);
  for (const { spec } of [postgres, brokers]) expect(resourceFaults(spec.resources)).toEqual([]);
});

// Needs kubectl, which the ordinary test run does not: without it, the checks of the single files stand alone.
const kubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
(kubectl ? test : test.skip).each(['local', 'production'])('k8s/overlays/%s renders', (overlay) => {
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', `k8s/overlays/${overlay}`], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const rendered = parseAllDocuments(stdout).map((document) => document.toJS() as Omit<Manifest, 'file'>);
  const deployments = rendered.filter(({ kind }) => kind === 'Deployment');
  const expected = SERVICES.filter((service) => overlay === 'local' || service !== 'payments-sandbox');
  expect(deployments.map(({ metadata }) => metadata.name).sort()).toEqual(
    expected.map((service) => `${service}-api`).sort(),
  );
  for (const { metadata, spec } of deployments) {
    const selected = spec.selector.matchLabels;
    const budgets = rendered.filter(({ kind }) => kind === 'PodDisruptionBudget');
    expect(budgets.map((budget) => budget.spec.selector.matchLabels)).toContainEqual(selected);
    const pod = spec.template.spec;
    for (const rule of pod.topologySpreadConstraints) expect(rule.labelSelector.matchLabels).toEqual(selected);
    for (const { resources, image } of pod.containers) {
      expect([metadata.name, resourceFaults(resources)]).toEqual([metadata.name, []]);
      expect(image).toMatch(overlay === 'local' ? /^gravity:dev$/ : /@sha256:[0-9a-f]{64}$/);
    }
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
