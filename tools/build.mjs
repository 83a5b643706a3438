// Compiles apps/, libs/ and tools/ to dist/ with swc, the compiler that Jest uses too.
// Types are checked by `npm run check`. Path aliases of tsconfig.json are rewritten to relative requires.
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'dist');
const sources = ['apps', 'libs', 'tools'];
const tsconfig = JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8'));

const swcOptions = {
  cwd: root,
  configFile: false,
  swcrc: false,
  sourceMaps: true,
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    keepClassNames: true,
    baseUrl: root,
    paths: tsconfig.compilerOptions.paths,
  },
  module: { type: 'commonjs', resolveFully: true },
};

async function* walk(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}

async function isFresh(source, target) {
  const built = await stat(target).catch(() => undefined);
  return built !== undefined && built.mtimeMs >= (await stat(source)).mtimeMs;
}

async function compile(path) {
  const target = join(out, relative(root, path)).replace(/\.ts$/, '.js');
  if (await isFresh(path, target)) return false;
  const { code, map } = await transformFile(path, { ...swcOptions, sourceFileName: relative(dirname(target), path) });
  await mkdir(dirname(target), { recursive: true });
  await replaceFile(`${target}.map`, map);
  await replaceFile(target, `${code}\n//# sourceMappingURL=${target.split('/').pop()}.map\n`);
  return true;
}

/** Replaces a file atomically, because other processes may read or write the build at the same time. */
async function replaceFile(path, content) {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, content);
  await rename(draft, path);
}

const started = performance.now();
if (process.argv.includes('--clean')) await rm(out, { recursive: true, force: true });
const expected = new Set();
let compiled = 0;
for (const folder of sources) {
  for await (const path of walk(join(root, folder))) {
    if (!path.endsWith('.ts') || path.endsWith('.d.ts') || path.endsWith('.spec.ts')) continue;
    expected.add(join(out, relative(root, path)).replace(/\.ts$/, '.js'));
    if (await compile(path)) compiled += 1;
  }
}
// Removes files without a source, which could still be required.
for await (const path of walk(out)) {
  if (path.endsWith('.js') && !expected.has(path)) await Promise.all([path, `${path}.map`].map((file) => rm(file, { force: true })));
}
process.stderr.write(`built ${compiled} of ${expected.size} files in ${Math.round(performance.now() - started)} ms\n`);
