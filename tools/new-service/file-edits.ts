// The lines that a new service adds to files with a list of all services.
import type { Names } from './service-files';

/** A text that is inserted before or after a place that occurs exactly once in the file. */
export interface Edit {
  readonly path: string;
  /** The place; undefined for the end of the file. */
  readonly at?: string;
  readonly where?: 'before' | 'after';
  readonly text: string;
}

/** All edits for the service. */
export function editsFor(names: Names): readonly Edit[] {
  return [...codeEdits(names), ...composeEdits(names), ...clusterEdits(names)];
}

/** The text with the edit applied. Throws unless the place occurs exactly once. */
export function applyEdit(source: string, { path, at, where = 'before', text }: Edit): string {
  if (at === undefined) return source + text;
  const start = source.indexOf(at);
  if (start < 0 || source.includes(at, start + 1))
    throw new Error(`${path} does not contain ${JSON.stringify(at)} exactly once. Add the service by hand.`);
  const index = where === 'before' ? start : start + at.length;
  return source.slice(0, index) + text + source.slice(index);
}

function codeEdits({ name, title }: Names): Edit[] {
  const registry = 'libs/contracts/src/events/registry.ts';
  return [
    {
      path: 'apps/services.ts',
      at: '\nexport const SERVICES',
      text: `import { ${name}Service } from './${name}/src/${name}.service';\n`,
    },
    { path: 'apps/services.ts', at: 'ServiceDeclaration[] = [', where: 'after', text: `${name}Service, ` },
    {
      path: 'nest-cli.json',
      at: '    "contracts": {',
      text: `    "${name}": { "type": "application", "root": "apps/${name}", "entryFile": "main", "sourceRoot": "apps/${name}/src" },\n`,
    },
    {
      path: registry,
      at: '\nconst merchant = ',
      text: `import { ${name}NoteAdded } from './${name}/note-added';\n`,
    },
    {
      path: registry,
      at: '\n/** Every event type.',
      text: `const ${name}Note = { topic: '${name}.note', aggregate: 'note', key: 'noteId' } as const;\n`,
    },
    {
      path: registry,
      at: '} as const;\n\nexport type EventType',
      text: `  '${name}.note.added.v1': { ...${name}Note, schema: ${name}NoteAdded, description: 'A note was added to ${title}.' },\n`,
    },
  ];
}

function composeEdits({ name }: Names): Edit[] {
  const path = 'docker-compose.yml';
  const command = (more: string): string =>
    `    command: [node, --env-file=/secrets/${name}.env, dist/apps/${name}/src/main.js${more}]\n    environment: *environment\n`;
  return [
    {
      path,
      at: '  catalog:\n    <<: *service\n',
      text: `  migrate-${name}:
    <<: *task
${command(', migrate')}    depends_on: *migrate-after

  ${name}:
    <<: *service
${command('')}    depends_on:
      migrate-${name}: { condition: service_completed_successfully }
      redis: { condition: service_healthy }
      kafka: { condition: service_healthy }

`,
    },
    {
      path,
      at: '      catalog: { condition: service_healthy }\n',
      where: 'after',
      text: `      ${name}: { condition: service_healthy }\n`,
    },
    {
      path,
      at: '        location = /health/live',
      text: `        location /${name}/ { set $$to ${name}; proxy_pass http://$$to:8080; }\n`,
    },
  ];
}

const topic = (name: string): string => `apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  name: ${name}
  labels: { strimzi.io/cluster: gravity }
spec: { partitions: 6, replicas: 3 }
`;

function clusterEdits({ name }: Names): Edit[] {
  return [
    { path: 'k8s/base/kustomization.yaml', at: '  - catalog\n', where: 'after', text: `  - ${name}\n` },
    {
      path: 'k8s/components/network-policies/kustomization.yaml',
      at: '  - catalog.yaml\n',
      where: 'after',
      text: `  - ${name}.yaml\n`,
    },
    {
      path: 'k8s/overlays/local/kustomization.yaml',
      at: '  - target: { kind: Deployment, name: catalog-api }\n',
      text: `  - target: { kind: Deployment, name: ${name}-api }
    patch: |
      - op: add
        path: /spec/template/spec/containers/0/env/-
        value: { name: AUTH_JWKS, valueFrom: { secretKeyRef: { name: ${name}-secrets, key: AUTH_JWKS } } }
`,
    },
    {
      path: 'k8s/overlays/production/kafka.yaml',
      at: `${topic('catalog.merchant')}---
`,
      where: 'after',
      text: `${topic(`${name}.note`)}---
`,
    },
  ];
}
