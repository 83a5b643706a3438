// Programs of the machine: Redis, Java, Maven. With apt and as root they are installed, after a line that announces it.
// Otherwise a line names the packages to install.
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from './engine';
import { findProgram, isRoot } from './paths';
import { mustRun, run } from './process';

/** Kafka 4 needs this Java or a later one. */
const OLDEST_JAVA = 17;
const INSTALL_WITHIN_MS = 600_000;

/** A program that the stack needs. */
export type Requirement = 'redis' | 'java' | 'maven';

const DEBIAN_PACKAGES: Readonly<Record<Requirement, string>> = {
  redis: 'redis-server',
  java: 'default-jre-headless',
  maven: 'maven',
};

const NAMES: Readonly<Record<Requirement, string>> = {
  redis: 'Redis 7 or Valkey (redis-server or valkey-server on the PATH)',
  java: `Java ${OLDEST_JAVA} or later (java on the PATH, or JAVA_HOME)`,
  maven: 'Maven (mvn on the PATH)',
};

/** The Redis server of this machine. */
export function redisProgram(): string | undefined {
  return findProgram('redis-server', 'valkey-server');
}

/** The Maven of this machine. */
export function mavenProgram(): string | undefined {
  return findProgram('mvn');
}

/** The Java of this machine, if it is recent enough, with a line that identifies its build. */
export async function javaProgram(): Promise<{ path: string; version: string } | undefined> {
  const home = process.env['JAVA_HOME'];
  for (const path of [home === undefined || home === '' ? undefined : join(home, 'bin', 'java'), findProgram('java')]) {
    if (path === undefined || !existsSync(path)) continue;
    const { code, stderr, stdout } = await run(path, ['-version'], { timeoutMs: 20_000 });
    const version = `${stderr}${stdout}`;
    const release = Number(/version "(\d+)/.exec(version)?.[1]);
    if (code === 0 && release >= OLDEST_JAVA) return { path, version };
  }
  return undefined;
}

/** Installs missing programs. When that is impossible, rejects with the packages to install. */
export async function ensureRequirements(needed: readonly Requirement[], log: Log): Promise<void> {
  const missing = await missingOf(needed);
  if (missing.length === 0) return;
  if (isRoot() && findProgram('apt-get') !== undefined) await installDebianPackages(missing, log);
  const stillMissing = await missingOf(missing);
  if (stillMissing.length === 0) return;
  const wishes = stillMissing.map((one) => NAMES[one]).join('; ');
  const hint =
    findProgram('apt-get') === undefined
      ? ''
      : `, for instance: sudo apt-get install ${packagesOf(stillMissing).join(' ')}`;
  throw new Error(
    `Please install ${wishes}${hint}. Or set DATABASE_URL, REDIS_URL and KAFKA_BROKERS, or start Docker.`,
  );
}

async function missingOf(needed: readonly Requirement[]): Promise<Requirement[]> {
  const missing: Requirement[] = [];
  for (const one of needed) {
    const found = one === 'redis' ? redisProgram() : one === 'maven' ? mavenProgram() : await javaProgram();
    if (found === undefined) missing.push(one);
  }
  return missing;
}

function packagesOf(requirements: readonly Requirement[]): string[] {
  return requirements.map((one) => DEBIAN_PACKAGES[one]);
}

async function installDebianPackages(missing: readonly Requirement[], log: Log): Promise<void> {
  const packages = packagesOf(missing);
  log(`Installing ${packages.join(', ')} with apt-get, for this machine lacks it …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=2'];
  const install = ['install', ...options, '--no-install-recommends', ...packages];
  await withoutServiceStart(async () => {
    const first = await run('apt-get', install, { env, timeoutMs: INSTALL_WITHIN_MS });
    if (first.code === 0) return;
    // A new machine has no package lists, an old one has outdated ones.
    await mustRun('apt-get', ['update', '-q'], { env, timeoutMs: INSTALL_WITHIN_MS });
    await mustRun('apt-get', install, { env, timeoutMs: INSTALL_WITHIN_MS });
  });
}

/** Debian starts a server after the installation of its package, unless this file forbids it. */
async function withoutServiceStart(work: () => Promise<void>): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return work();
  await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await work();
  } finally {
    await rm(policy, { force: true });
  }
}
