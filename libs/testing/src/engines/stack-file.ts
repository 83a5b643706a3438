// The process that runs the stack of a data folder (`stack.lock`), and the addresses (`stack.json`). Both may be left
// over from a killed process; a process is identified by its number and start time.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineName, EngineSource } from './engine';
import { processIdentity } from './process';

/** A process, distinguishable from later ones with the same number. */
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
  /** The environment with the addresses of these engines. */
  readonly env: Readonly<Record<string, string>>;
}

const LOCK_TRIES_MAX = 50;

const file = (dataDir: string): string => join(dataDir, 'stack.json');
const lockFile = (dataDir: string): string => join(dataDir, 'stack.lock');

/** This process, or another one; undefined when no process has that number. */
export async function processRef(pid: number): Promise<ProcessRef | undefined> {
  const identity = await processIdentity(pid);
  return identity === undefined ? undefined : { pid, identity };
}

/** True when it runs. */
export async function isRunning(ref: ProcessRef): Promise<boolean> {
  return (await processIdentity(ref.pid)) === ref.identity;
}

/** Takes the folder for this process. Returns its holder when a running process has it. */
export async function takeLock(dataDir: string): Promise<ProcessRef | undefined> {
  await mkdir(dataDir, { recursive: true });
  const mine = join(dataDir, `.lock-${process.pid}-${randomBytes(4).toString('hex')}`);
  await writeFile(mine, JSON.stringify(await processRef(process.pid)), { mode: 0o600 });
  try {
    for (let tries = 0; tries < LOCK_TRIES_MAX; tries += 1) {
      // A link is atomic, so no process reads an incomplete lock.
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

/** Removes the lock of an ended process. When a running one has taken it meanwhile, restores it. */
async function setAsideStaleLock(dataDir: string, aside: string): Promise<void> {
  await rename(lockFile(dataDir), aside).catch(() => undefined);
  const holder = await readJson<ProcessRef>(aside);
  if (holder !== undefined && (await isRunning(holder))) await linked(aside, lockFile(dataDir));
  await rm(aside, { force: true });
}

/** The running process that has the folder. */
export async function lockHolder(dataDir: string): Promise<ProcessRef | undefined> {
  const holder = await readJson<ProcessRef>(lockFile(dataDir));
  return holder !== undefined && (await isRunning(holder)) ? holder : undefined;
}

/** Releases the folder. */
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

/** Writes the record. Its owner alone may read it, because it contains the password. */
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
