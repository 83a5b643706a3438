// `npm run new-service -- <name>`: creates a service that builds, runs and passes the checks, with one example aggregate.
import { execFile } from 'node:child_process';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { projectRoot } from '@gravity/testing';
import { runTool, UsageError } from '../lib/arguments';
import { applyEdit, editsFor } from './file-edits';
import { type Names, serviceFiles } from './service-files';

const USAGE = `Usage: npm run new-service -- <name>

Writes apps/<name> with an example aggregate, its event, its place in docker-compose.yml and k8s/, and its line in
apps/services.ts, then updates the generated documents. A name is 2 to 20 lower-case letters.
`;
const NAME = /^[a-z]{2,20}$/;
/** Names that a path, a database or a folder already uses. */
const RESERVED = new Set(['docs', 'health', 'metrics', 'problems', 'services', 'postgres', 'gateway']);
const run = promisify(execFile);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { help: { type: 'boolean' } }, allowPositionals: true });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [name = '', ...more] = positionals;
  if (!NAME.test(name) || RESERVED.has(name) || more.length > 0)
    throw new UsageError('Give one name of 2 to 20 lower-case letters that is not in use.');
  const root = projectRoot();
  const names = {
    name,
    title: name[0]!.toUpperCase() + name.slice(1),
    upper: name.toUpperCase(),
    timestamp: Date.now(),
  };
  const written = await writeAll(root, names);
  await run('npx', ['prettier', '--write', ...written.filter((path) => path.endsWith('.ts'))], { cwd: root });
  // Separate processes, because they run the files that were just written.
  await run(process.execPath, ['tools/build.mjs'], { cwd: root });
  await run(process.execPath, ['dist/tools/contracts/main.js'], { cwd: root });
  process.stdout.write(`${written.map((path) => `wrote ${path}`).join('\n')}\n${nextSteps(name)}`);
  return 0;
}

/** Writes the files and the edits. All are prepared before the first is written. Returns their paths. */
async function writeAll(root: string, names: Names): Promise<string[]> {
  const files = new Map(serviceFiles(names));
  for (const path of files.keys()) {
    const exists = await access(join(root, path)).then(
      () => true,
      () => false,
    );
    if (exists) throw new UsageError(`${path} exists already.`);
  }
  for (const edit of editsFor(names)) {
    const source = files.get(edit.path) ?? (await readFile(join(root, edit.path), 'utf8'));
    files.set(edit.path, applyEdit(source, edit));
  }
  for (const [path, content] of files) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return [...files.keys()];
}

const nextSteps = (name: string): string => `
Start it beside the other services with \`npm start\`, or alone as apps/${name}/README.md says.
"A service" in CONTRIBUTING.md lists the edits that remain.
`;

runTool(main, USAGE);
