// Goal: everything that the documents refer to exists. Method: every relative link is followed, every test title in
// docs/guarantees.md is looked up in its file, and names in runbooks are looked up in the code.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { projectRoot } from '@gravity/testing';
import { anchorsOf, filesBelow, isOutside, linkFaults, linksOf } from '../../tools/docs/documents';

const ROOT = projectRoot();

const documents = filesBelow(ROOT, '.', '.md');
const links = documents.flatMap((document) => linksOf(ROOT, document));
const sources = new Map(
  ['apps', 'libs', 'tools'].flatMap((folder) => filesBelow(ROOT, folder, '.ts')).map((path) => [path, textOf(path)]),
);
const runbooks = documents.filter((path) => path.startsWith(join('docs', 'runbooks')));

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

describe('documents', () => {
  it('are found', () => {
    expect(documents).toEqual(expect.arrayContaining(['README.md', join('docs', 'guarantees.md')]));
    expect(links.length).toBeGreaterThan(100);
  });

  it('have working relative links', () => {
    expect(linkFaults(ROOT, documents)).toEqual([]);
  });

  it('are reachable from README.md', () => {
    const reached = new Set(['README.md']);
    for (const document of reached) {
      for (const { target } of links.filter((link) => link.document === document && !isOutside(link.target))) {
        const path = relative(ROOT, resolve(ROOT, dirname(document), target.split('#')[0] ?? ''));
        const found = documents.filter((other) => other === path || dirname(other) === path);
        for (const next of found) reached.add(next);
      }
    }
    const expected = documents.filter(
      (path) => path.startsWith('docs') || /^(apps|libs)\/[^/]+\/README\.md$/.test(path),
    );
    expect(expected.filter((path) => !reached.has(path))).toEqual([]);
  });
});

describe('guarantees', () => {
  const named = links.filter(
    ({ document, target }) => document === join('docs', 'guarantees.md') && target.endsWith('.spec.ts'),
  );

  it('name existing tests', () => {
    expect(named.length).toBeGreaterThan(50);
    const missing = named.filter(({ text, target }) => {
      const file = join('docs', target);
      if (!existsSync(join(ROOT, file))) return true;
      const spec = textOf(file).replaceAll("\\'", "'");
      return !["'", '"', '`'].some((quote) => spec.includes(`${quote}${text}${quote}`));
    });
    expect(missing.map(({ text, target }) => `${target}: ${text}`)).toEqual([]);
  });

  it('have a row for every promise of the architecture', () => {
    const rows = [...textOf(join('docs', 'guarantees.md')).matchAll(/^\| \*\*(P\d)\*\*/gm)].map(
      ([, promise]) => promise,
    );
    expect(new Set(rows)).toEqual(new Set(['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8']));
  });

  it('name existing constants', () => {
    const [, bounds = ''] = textOf(join('docs', 'guarantees.md')).split('## Stated bounds');
    const names = [...bounds.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !isInCode(name))).toEqual([]);
  });
});

describe('runbooks', () => {
  it.each(['redis-lost', 'kafka-down', 'postgres-failover', 'oversell-suspected', 'stop-a-sale', 'dead-letters'])(
    '%s exists and is complete',
    (name) => {
      const headings = [...anchorsOf(ROOT, join('docs', 'runbooks', `${name}.md`))];
      expect(headings).toEqual(expect.arrayContaining(['first-three-checks', 'actions', 'rollback', 'escalate']));
    },
  );

  it('exist for every reference in code and deployment', () => {
    const deployment = ['docker-compose.yml', ...filesBelow(ROOT, 'k8s', '.yaml')];
    const texts = [...sources.values(), ...deployment.map(textOf)];
    const mentioned = new Set(texts.flatMap((text) => text.match(/docs\/runbooks\/[a-z0-9-]+\.md/g) ?? []));
    expect(mentioned.size).toBeGreaterThan(0);
    expect([...mentioned].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('the deployment files and the libraries use plain words (docs/style.md)', () => {
    // In quotes it may be a name, such as that of the user `nobody`.
    const banned = /(?<!["'`])\b(?:whoever|nobody|whom|somebody|whatever|any more|used to)\b/gi;
    const deployment = [
      'docker-compose.yml',
      'Dockerfile',
      ...['.md', '.yaml'].flatMap((end) => filesBelow(ROOT, 'k8s', end)),
    ];
    const libraries = ['.md', '.ts'].flatMap((end) => filesBelow(ROOT, 'libs', end));
    const found = [...runbooks, ...deployment, ...libraries].flatMap((path) =>
      [...textOf(path).matchAll(banned)].map(([word]) => `${path}: ${word}`),
    );
    expect(deployment.length).toBeGreaterThan(20);
    expect(libraries.length).toBeGreaterThan(200);
    expect(found).toEqual([]);
  });

  // Names of Postgres' own views begin with pg_.
  it('name existing tables, columns and metrics', () => {
    const names = runbooks.flatMap((path) =>
      [...textOf(path).matchAll(/`([a-z]+(?:_[a-z]+)+)(?:\{[^`]*\})?`/g)].map(([, name = '']) => ({ path, name })),
    );
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter(({ name }) => !name.startsWith('pg_') && !isInCode(name))).toEqual([]);
  });
});

it('npm scripts in documents exist', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  const named = documents.flatMap((path) =>
    [...textOf(path).matchAll(/npm run (?:-s |--silent )?([a-z][a-z:-]*)/g)].map(([, script = '']) => ({
      path,
      script,
    })),
  );
  expect(named.filter(({ script }) => scripts[script] === undefined)).toEqual([]);
});

it('gRPC services that documents name exist, and every one is named', () => {
  const protos = filesBelow(ROOT, join('libs', 'contracts', 'proto'), '.proto').map(textOf);
  const declared = protos.flatMap((text) => {
    const [, scope = ''] = /^package ([\w.]+);/m.exec(text) ?? [];
    return [...text.matchAll(/^service (\w+)/gm)].map(([, name = '']) => `${scope}.${name}`);
  });
  const named = documents.flatMap((path) =>
    [...textOf(path).matchAll(/\bgravity\.[a-z_]+\.v\d+\.[A-Z]\w*/g)].map(([name]) => ({ path, name })),
  );
  expect(declared.length).toBeGreaterThan(2);
  expect(named.filter(({ name }) => !declared.includes(name))).toEqual([]);
  expect(declared.filter((service) => !named.some(({ name }) => name === service))).toEqual([]);
});

function isInCode(name: string): boolean {
  for (const text of sources.values()) if (text.includes(name)) return true;
  return false;
}
