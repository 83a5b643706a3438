// Who runs the stack of a data folder, and where it listens: `stack.lock` belongs to a living process, `stack.json` says
// the rest. Both may be left over from a process that was killed; a process is recognised by its number and start time.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineName, EngineSource } from './engine';
import { processIdentity } from './process';

/** A process, told from later ones with the same number. */
export interface ProcessRef {
  readonly pid: number;
  readonly identity: string;
}

/** One engine of a running stack. */
export interface EngineRecord {
  readonly url: string;
  readonly source: EngineSource;
  readonly process?: ProcessRef | undefined;
}

/** Contents of stack.json. */
export interface StackRecord {
  readonly owner: ProcessRef;
  readonly engines: Partial<Record<EngineName, EngineRecord>>;
  /** The environment that leads services to these engines. */
  readonly env: Readonly<Record<string, string>>;
}

const MAX_LOCK_TRIES = 50;

const file = (dataDir: string): string => join(dataDir, 'stack.json');
const lockFile = (dataDir: string): string => join(dataDir, 'stack.lock');

/** This very process, or another that runs; undefined when there is none of that number. */
export async function processRef(pid: number): Promise<ProcessRef | undefined> {
  const identity = await processIdentity(pid);
  return identity === undefined ? undefined : { pid, identity };
}

/** Whether it still runs. */
export async function isRunning(ref: ProcessRef): Promise<boolean> {
  return (await processIdentity(ref.pid)) === ref.identity;
}

/** Takes the folder for this process. Returns the process that has it, when a living one has. */
export async function takeLock(dataDir: string): Promise<ProcessRef | undefined> {
  await mkdir(dataDir, { recursive: true });
  const mine = join(dataDir, `.lock-${process.pid}-${randomBytes(4).toString('hex')}`);
  await writeFile(mine, JSON.stringify(await processRef(process.pid)), { mode: 0o600 });
  try {
    for (let tries = 0; tries < MAX_LOCK_TRIES; tries += 1) {
      // A link is made whole or not at all, so nobody ever reads half a lock.
      if (await linked(mine, lockFile(dataDir))) return undefined;
      const holder = await lockHolder(dataDir);
      if (holder !== undefined) return holder;
      await setAsideStaleLock(dataDir, `${mine}.stale`);
    }
    throw new Error(`Cannot take ${lockFile(dataDir)}.`);
  } finally {
    await rm(mine, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  return link(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      return false;
    },
  );
}

/** Removes a dead process's lock; should a living one have taken it since we looked, it gets it back. */
async function setAsideStaleLock(dataDir: string, aside: string): Promise<void> {
  await rename(lockFile(dataDir), aside).catch(() => undefined);
  const holder = await readJson<ProcessRef>(aside);
  if (holder !== undefined && (await isRunning(holder))) await linked(aside, lockFile(dataDir));
  await rm(aside, { force: true });
}

/** The living process that has the folder. */
export async function lockHolder(dataDir: string): Promise<ProcessRef | undefined> {
  const holder = await readJson<ProcessRef>(lockFile(dataDir));
  return holder !== undefined && (await isRunning(holder)) ? holder : undefined;
}

/** Gives the folder back. */
export async function releaseLock(dataDir: string): Promise<void> {
  await rm(file(dataDir), { force: true });
  await rm(lockFile(dataDir), { force: true });
}

/** The record of the last stack in this folder, running or not. */
export function readStackFile(path: string): Promise<StackRecord | undefined> {
  return readJson<StackRecord>(path);
}

/** Path of the record of a data folder. */
export function stackFile(dataDir: string): string {
  return file(dataDir);
}

/** Writes the record; only its owner may read it, for it holds the password. */
export async function writeStackFile(dataDir: string, record: StackRecord): Promise<void> {
  const partial = `${file(dataDir)}.partial`;
  await writeFile(partial, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(partial, file(dataDir));
}

async function readJson<T>(path: string): Promise<T | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
