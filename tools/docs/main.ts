// `npm run check:docs`: the links of the documents work, and public functions have docstrings.
import 'reflect-metadata';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { projectRoot } from '@gravity/testing';
import { SERVICES } from '../../apps/services';
import { runTool } from '../lib/arguments';
import { filesBelow, linkFaults } from './documents';
import { undocumented } from './docstrings';

const USAGE = `Usage: npm run check:docs

Fails on a broken relative link of a document, and on a public function without a comment that says more than its name.
Public are the exports of libs/*/src/index.ts and apps/*/src/domain.
`;

async function main(): Promise<number> {
  const root = projectRoot();
  const documents = filesBelow(root, '.', '.md');
  const entries = publicFiles(root);
  const faults = [...linkFaults(root, documents), ...undocumented(root, entries, compilerOptions(root))];
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  if (faults.length > 0) return 1;
  process.stderr.write(`docs: the links of ${documents.length} documents work, public functions have docstrings\n`);
  return 0;
}

/** The files whose exports are public. */
function publicFiles(root: string): string[] {
  const libraries = readdirSync(join(root, 'libs')).map((name) => join('libs', name, 'src', 'index.ts'));
  const domains = SERVICES.map(({ name }) => join('apps', name, 'src', 'domain'))
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => filesBelow(root, folder, '.ts').filter((path) => !path.endsWith('.spec.ts')));
  return [...libraries, ...domains].map((path) => join(root, path));
}

function compilerOptions(root: string): ts.CompilerOptions {
  const read = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  return ts.convertCompilerOptionsFromJson((read.config as { compilerOptions: unknown }).compilerOptions, root).options;
}

runTool(main, USAGE);
