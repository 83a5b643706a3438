// Paths of this machine: the project, the programs on the PATH, the caches that outlive a checkout; and the user for
// Postgres when this process is root, because Postgres refuses to run as root.
import { constants, accessSync, existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** A user of this machine other than that of this process. */
export interface UnixUser {
  readonly uid: number;
  readonly gid: number;
}

/** The folder of the project: the nearest one upwards with Gravity's package.json. */
export function projectRoot(from = __dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'gravity')
      return folder;
    if (folder === dirname(folder)) throw new Error(`No package.json of gravity above ${from}.`);
  }
}

/** The full path of the first of these programs that is on the PATH. */
export function findProgram(...names: readonly string[]): string | undefined {
  for (const name of names) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      const path = join(folder, name);
      if (folder !== '' && isExecutable(path)) return path;
    }
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Downloads that every checkout of this user shares. */
export function cacheDir(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'gravity');
}

/** A cache that the Postgres user can read too: root's own cache is usually closed to others. */
export function sharedCacheDir(): string {
  return isRoot() ? '/var/cache/gravity' : cacheDir();
}

/** True when this process runs as root. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * The user for Postgres: undefined unless this process is root, then `postgres` or `nobody`. Throws when neither
 * exists.
 */
export function postgresUser(): UnixUser | undefined {
  if (!isRoot()) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const entry = lines.find((fields) => fields[0] === name);
    if (entry !== undefined) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new Error('Postgres does not run as root, and this machine has neither a user "postgres" nor a user "nobody".');
}
