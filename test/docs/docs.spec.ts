// Goal: what the documents point at exists. Method: every relative link of every document is followed, every test named
// in docs/guarantees.md is looked up in its file, and names in runbooks are looked up in the code.
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

  it('lead somewhere with every relative link', () => {
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

  it('name tests by the titles they have', () => {
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

  it('state bounds by constants that the code has', () => {
    const [, bounds = ''] = textOf(join('docs', 'guarantees.md')).split('## Stated bounds');
    const names = [...bounds.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !isInCode(name))).toEqual([]);
  });
});

describe('runbooks', () => {
  it.each(['redis-lost', 'kafka-down', 'postgres-failover', 'oversell-suspected', 'stop-a-sale', 'parked-messages'])(
    '%s exists and is complete',
    (name) => {
      const headings = [...anchorsOf(ROOT, join('docs', 'runbooks', `${name}.md`))];
      expect(headings).toEqual(expect.arrayContaining(['first-three-checks', 'actions', 'rollback', 'escalate']));
    },
  );

  it('that the code and the deployment name exist', () => {
    const deployment = ['docker-compose.yml', ...filesBelow(ROOT, 'k8s', '.yaml')];
    const texts = [...sources.values(), ...deployment.map(textOf)];
    const mentioned = new Set(texts.flatMap((text) => text.match(/docs\/runbooks\/[a-z0-9-]+\.md/g) ?? []));
    expect(mentioned.size).toBeGreaterThan(0);
    expect([...mentioned].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  // Views of Postgres itself begin with pg_.
  it('name tables, columns and metrics that the code has', () => {
    const names = runbooks.flatMap((path) =>
      [...textOf(path).matchAll(/`([a-z]+(?:_[a-z]+)+)(?:\{[^`]*\})?`/g)].map(([, name = '']) => ({ path, name })),
    );
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter(({ name }) => !name.startsWith('pg_') && !isInCode(name))).toEqual([]);
  });
});

it('npm scripts that documents name exist', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  const named = documents.flatMap((path) =>
    [...textOf(path).matchAll(/npm run (?:-s |--silent )?([a-z][a-z:-]*)/g)].map(([, script = '']) => ({
      path,
      script,
    })),
  );
  expect(named.filter(({ script }) => scripts[script] === undefined)).toEqual([]);
});

function isInCode(name: string): boolean {
  for (const text of sources.values()) if (text.includes(name)) return true;
  return false;
}
