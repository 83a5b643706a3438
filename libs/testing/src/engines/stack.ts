// The stack: a real Postgres, Redis and Kafka, found or started. Per engine, in this order: an address in the
// environment; a running stack of the same data folder; a running Docker engine; the programs of this machine.
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dockerEngineRuns, removeVolumes, startContainer } from './docker';
import {
  ENGINE_NAMES,
  ENGINE_TITLES,
  ForeignEngine,
  type EngineHandle,
  type EngineName,
  type Log,
  type RedisHandle,
} from './engine';
import { startKafka } from './kafka';
import type { KafkaJit } from './kafka-config';
import { kafkaJarsCached } from './kafka-install';
import { isRoot, projectRoot } from './paths';
import { closedFolderSubstitute, startPostgres } from './postgres';
import { endOrphan, exitStatusOf } from './process';
import { startRedis } from './redis';
import { ensureRequirements, type Requirement } from './requirements';
import { lockHolder, processRef, readStackFile, releaseLock, stackFile, takeLock, writeStackFile } from './stack-file';
import type { EngineRecord, ProcessRef, StackRecord } from './stack-file';

const ADDRESS_KEYS: Readonly<Record<EngineName, string>> = {
  postgres: 'DATABASE_URL',
  redis: 'REDIS_URL',
  kafka: 'KAFKA_BROKERS',
};
const USUAL_PORTS: Readonly<Record<EngineName, number>> = { postgres: 5432, redis: 6379, kafka: 9092 };
/** Longest wait for another process that starts the same stack: it may be downloading. */
const OTHER_START_WITHIN_MS = 600_000;
const LOOK_AGAIN_MS = 200;

/** Options of {@link startStack}. */
export interface StackOptions {
  /** Where data, logs and passwords go. Default: `.gravity` in the project. */
  readonly dataDir?: string;
  /** The engines. Default: all three. */
  readonly engines?: readonly EngineName[];
  /** Gets the progress lines. Default: stderr. */
  readonly log?: Log;
  /** The compiler settings of Kafka's Java. Default: `fast-start`. */
  readonly kafkaJit?: KafkaJit;
  /** Where addresses are looked up. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `usual` (default) prefers 5432, 6379 and 9092; `free` never uses them. */
  readonly ports?: 'usual' | 'free';
  /** Temporary data: quicker to set up, and the folder is removed when the stack stops. */
  readonly throwAway?: boolean;
  /** True (default): SIGINT, SIGTERM and SIGHUP stop the engines and end this process. False: the caller does that. */
  readonly handleSignals?: boolean;
  /** Called when an engine ends without a request. */
  readonly onLost?: (engine: EngineName, how: string) => void;
}

/** A running stack. An engine that was not requested has an empty address and refuses every control. */
export interface Stack {
  readonly dataDir: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly kafkaBrokers: string;
  /** DATABASE_URL, REDIS_URL and KAFKA_BROKERS for services. */
  readonly env: Record<string, string>;
  readonly postgres: EngineHandle;
  readonly redis: RedisHandle;
  readonly kafka: EngineHandle;
  /** The process that runs it, when that is another one. */
  readonly attachedTo: number | undefined;
  /** Stops the engines that were started here, in order. Safe to call twice. */
  stop(): Promise<void>;
}

type Handles = Partial<Record<EngineName, EngineHandle>>;

/**
 * Finds or starts the engines; resolves when all of them answer. When one fails, the others are stopped and it rejects.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const dataDir = resolve(options.dataDir ?? defaultDataDir());
  const wanted = options.engines ?? ENGINE_NAMES;
  const env = options.env ?? process.env;
  const handles: Handles = {};
  for (const name of wanted) {
    const address = env[ADDRESS_KEYS[name]];
    if (address !== undefined && address !== '') handles[name] = new ForeignEngine(name, address, 'given');
  }
  const rest = wanted.filter((name) => handles[name] === undefined);
  if (rest.length === 0) return assemble(dataDir, handles, undefined, async () => undefined);
  const holder = await claimFolder(dataDir, rest, options.log ?? toStderr);
  if (holder !== undefined) {
    for (const name of rest) handles[name] = attachedEngine(name, holder, dataDir);
    return assemble(dataDir, handles, holder.owner.pid, async () => undefined);
  }
  return startOwn(dataDir, rest, handles, options);
}

/** The data folder of this checkout. */
export function defaultDataDir(): string {
  return join(projectRoot(), '.gravity');
}

/** Empties a data folder; true when it existed. Rejects while its stack, or one in a folder below it, is running. */
export async function resetStack(dataDir = defaultDataDir()): Promise<boolean> {
  const holder = await takeLock(dataDir);
  if (holder !== undefined)
    throw new Error(`The stack in ${dataDir} is running (process ${holder.pid}). Stop it first.`);
  const inner = await runningInside(dataDir);
  if (inner !== undefined) {
    await releaseLock(dataDir);
    throw new Error(`A stack in ${inner.folder} is running (process ${inner.pid}). Stop it first.`);
  }
  await endOrphans(dataDir);
  if (existsSync(join(dataDir, 'container.password')) && (await dockerEngineRuns())) await removeVolumes(dataDir);
  if (isRoot()) await rm(closedFolderSubstitute(join(dataDir, 'postgres')), { recursive: true, force: true });
  const entries = (await readdir(dataDir)).filter((name) => name !== 'stack.lock');
  for (const entry of entries) await rm(join(dataDir, entry), { recursive: true, force: true });
  await releaseLock(dataDir);
  return entries.length > 0;
}

/** A running stack with a folder below this one, for instance of a demonstration. Emptying would destroy its data. */
async function runningInside(dataDir: string): Promise<{ folder: string; pid: number } | undefined> {
  const paths = await readdir(dataDir, { recursive: true });
  for (const path of paths.filter((name) => basename(name) === 'stack.lock' && name !== 'stack.lock')) {
    const folder = join(dataDir, dirname(path));
    const holder = await lockHolder(folder);
    if (holder !== undefined) return { folder, pid: holder.pid };
  }
  return undefined;
}

/** The record of the stack that runs in this folder. */
export async function runningStack(dataDir = defaultDataDir()): Promise<StackRecord | undefined> {
  return (await lockHolder(dataDir)) === undefined ? undefined : readStackFile(stackFile(dataDir));
}

/** Takes the folder, or waits until the process that has it has started its stack and returns that. */
async function claimFolder(dataDir: string, needed: readonly EngineName[], log: Log): Promise<StackRecord | undefined> {
  const deadline = performance.now() + OTHER_START_WITHIN_MS;
  let told = false;
  while (performance.now() < deadline) {
    const holder = await takeLock(dataDir);
    if (holder === undefined) return undefined;
    if (holder.pid === process.pid) throw new Error(`This process runs a stack in ${dataDir} already.`);
    const record = await readStackFile(stackFile(dataDir));
    if (record?.owner.pid === holder.pid && record.owner.identity === holder.identity) {
      const absent = needed.filter((name) => record.engines[name] === undefined);
      if (absent.length === 0) return record;
      throw new Error(
        `The stack that process ${holder.pid} runs in ${dataDir} has no ${absent.join(', ')}. Stop it, or use another folder.`,
      );
    }
    if (!told) log(`Waiting for process ${holder.pid}, which is starting this stack …`);
    told = true;
    await sleep(LOOK_AGAIN_MS);
  }
  throw new Error(
    `Another process has been starting the stack in ${dataDir} for ${OTHER_START_WITHIN_MS / 60_000} minutes.`,
  );
}

function attachedEngine(name: EngineName, record: StackRecord, dataDir: string): EngineHandle {
  const engine = record.engines[name];
  if (engine === undefined) throw new Error(`The stack in ${dataDir} has no ${name}.`);
  return new ForeignEngine(name, engine.url, 'attached');
}

async function startOwn(
  dataDir: string,
  names: readonly EngineName[],
  handles: Handles,
  options: StackOptions,
): Promise<Stack> {
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopping ??= stopAll(
      dataDir,
      names.map((name) => handles[name]),
      options.throwAway === true,
    ));
  const forgetSignals = options.handleSignals === false ? (): void => undefined : stopOnSignals(stop);
  const stopAndForget = (): Promise<void> => stop().finally(forgetSignals);
  try {
    // Root's umask often closes temporary folders; the Postgres user must be able to enter.
    if (isRoot()) await chmod(dataDir, 0o755);
    await endOrphans(dataDir);
    await startEngines(dataDir, names, handles, options);
    const stack = assemble(dataDir, handles, undefined, stopAndForget);
    await record(dataDir, stack, handles);
    return stack;
  } catch (error) {
    await stopAndForget();
    throw error;
  }
}

async function startEngines(
  dataDir: string,
  names: readonly EngineName[],
  handles: Handles,
  options: StackOptions,
): Promise<void> {
  const log = options.log ?? toStderr;
  const env = options.env ?? process.env;
  const useDocker = env['GRAVITY_DOCKER'] !== 'off' && (await dockerEngineRuns());
  if (!useDocker) await ensureRequirements(await requirementsOf(names), log);
  const results = await Promise.allSettled(
    names.map(async (name) => {
      const started = performance.now();
      log(`Starting ${ENGINE_TITLES[name]} …`);
      const handle = useDocker
        ? await inDocker(name, dataDir, options, log)
        : await onMachine(name, dataDir, options, log);
      handles[name] = handle;
      log(
        `${ENGINE_TITLES[name]} answers at ${withoutPassword(handle.url)} (${((performance.now() - started) / 1_000).toFixed(1)} s).`,
      );
    }),
  );
  // All starts are awaited before the first failure is reported, so that no engine stays behind.
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function requirementsOf(names: readonly EngineName[]): Promise<Requirement[]> {
  const needed: Requirement[] = [];
  if (names.includes('redis')) needed.push('redis');
  if (names.includes('kafka')) needed.push('java', ...(kafkaJarsCached() ? [] : (['maven'] as const)));
  return needed;
}

async function inDocker(name: EngineName, dataDir: string, options: StackOptions, log: Log): Promise<EngineHandle> {
  try {
    return await startContainer(name, dataDir, portOf(name, options), options.throwAway !== true);
  } catch (error) {
    log(`Docker could not start ${ENGINE_TITLES[name]}; using what this machine has. ${String(error)}`);
    await ensureRequirements(await requirementsOf([name]), log);
    return onMachine(name, dataDir, options, log);
  }
}

async function onMachine(name: EngineName, dataDir: string, options: StackOptions, log: Log): Promise<EngineHandle> {
  const common = { folder: join(dataDir, name), preferredPort: portOf(name, options), onLost: options.onLost };
  await mkdir(common.folder, { recursive: true });
  if (name === 'redis') return startRedis(common);
  if (name === 'postgres') return startPostgres({ ...common, fromTemplate: options.throwAway });
  return startKafka({ ...common, jit: options.kafkaJit, log });
}

function portOf(name: EngineName, options: StackOptions): number | undefined {
  return options.ports === 'free' ? undefined : USUAL_PORTS[name];
}

function assemble(dataDir: string, handles: Handles, attachedTo: number | undefined, stop: () => Promise<void>): Stack {
  const of = (name: EngineName): EngineHandle => handles[name] ?? new ForeignEngine(name, '', 'given');
  const redis = of('redis');
  if (!isRedis(redis)) throw new Error('The Redis handle lacks the controls of a Redis.');
  const entries = ENGINE_NAMES.filter((name) => handles[name] !== undefined).map((name) => [
    ADDRESS_KEYS[name],
    of(name).url,
  ]);
  return {
    dataDir,
    databaseUrl: of('postgres').url,
    redisUrl: of('redis').url,
    kafkaBrokers: of('kafka').url,
    env: Object.fromEntries(entries) as Record<string, string>,
    postgres: of('postgres'),
    redis,
    kafka: of('kafka'),
    attachedTo,
    stop,
  };
}

async function record(dataDir: string, stack: Stack, handles: Handles): Promise<void> {
  const engines: Partial<Record<EngineName, EngineRecord>> = {};
  for (const name of ENGINE_NAMES) {
    const handle = handles[name];
    if (handle === undefined) continue;
    const process = handle.pid === undefined ? undefined : await processRef(handle.pid);
    engines[name] = { url: handle.url, source: handle.source, process };
  }
  const owner = await processRef(process.pid);
  if (owner === undefined) throw new Error('This process cannot find itself among the running ones.');
  await writeStackFile(dataDir, { owner, engines, env: stack.env });
}

/** Ends servers of this folder whose starting process has ended. The caller has the lock. */
async function endOrphans(dataDir: string): Promise<void> {
  const left = await readStackFile(stackFile(dataDir));
  const orphans: [EngineName, ProcessRef | undefined][] = ENGINE_NAMES.map((name) => [
    name,
    left?.engines[name]?.process,
  ]);
  for (const [name, process] of orphans) {
    if (process !== undefined)
      await endOrphan(process.pid, process.identity, name === 'postgres' ? 'SIGINT' : 'SIGTERM');
  }
  await rm(stackFile(dataDir), { force: true });
}

async function stopAll(
  dataDir: string,
  handles: readonly (EngineHandle | undefined)[],
  removeData: boolean,
): Promise<void> {
  try {
    const results = await Promise.allSettled(handles.map(async (handle) => handle?.stop()));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } finally {
    await releaseLock(dataDir);
    if (removeData) await rm(dataDir, { recursive: true, force: true });
  }
}

/** Makes signals stop the engines and end this process with the usual status. Returns a function that undoes this. */
function stopOnSignals(stop: () => Promise<void>): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const listener = (signal: NodeJS.Signals): void => {
    void stop().finally(() => process.exit(exitStatusOf(signal)));
  };
  signals.forEach((signal) => process.on(signal, listener));
  return () => signals.forEach((signal) => process.off(signal, listener));
}

function isRedis(handle: EngineHandle): handle is RedisHandle {
  return 'rewind' in handle;
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
