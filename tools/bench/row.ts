// What the rows of the bench share: how a load is put together, run and read.
import type { ProcessGroup } from './cpu';
import type { LoadOrder, Measured, Server, Target } from './load';
import { profileRow } from './profile';
import type { BenchRow } from './report';
import { readMetric, type RunningService } from './services';
import type { BenchSystem } from './system';

/** Clients of the bare server and of the rows that do not vary them. */
export const CROWD = 256;
export const DEEP_QUOTA = 10_000_000;
/** Before each row: a new load makes compilers think again. */
const WARM_UP_MS = 3_000;
const CONSUMER_CATCHES_UP_WITHIN_MS = 60_000;

/** A row before it is held against the bare server. */
export type Reading = Omit<BenchRow, 'ratio' | 'name'>;

/** One row of the bench. */
export interface RowKind {
  readonly name: string;
  /** How many tokens the crowd needs. Default: {@link BUYERS}. */
  readonly buyers?: number;
  measure(system: BenchSystem): Promise<Reading>;
}

export interface Load {
  readonly clients: number;
  readonly targets: readonly Target[];
  readonly services: readonly RunningService[];
  /** How many of the crowd's tokens are used. Default: {@link BUYERS}. */
  readonly buyers?: number;
  readonly firstBuyer?: number;
  readonly warmUpMs?: number;
  readonly measureMs?: number;
}

/** The largest crowd. */
export const CLIENTS_MAX = 4_096;
/** So many that none comes to hold more of an item than a sale would let one buyer have: a row sells some ten thousand. */
export const BUYERS = 16_384;
export const MANY_BUYERS = 100_000;

/** The order for the crowd. */
export function orderOf(system: BenchSystem, load: Load): LoadOrder {
  return {
    servers: load.services.map(serverOf),
    targets: load.targets,
    clients: load.clients,
    buyers: load.buyers ?? BUYERS,
    firstBuyer: load.firstBuyer ?? 0,
    warmUpMs: load.warmUpMs ?? WARM_UP_MS,
    measureMs: load.measureMs ?? system.measureMs,
  };
}

function serverOf({ url }: RunningService): Server {
  return { host: url.hostname, port: Number(url.port) };
}

interface Hooks {
  readonly counting?: () => void;
  readonly counted?: () => void;
}

/** Runs one row's load, with CPU profiles of its services when they are asked for. */
export async function runLoad(system: BenchSystem, name: string, load: Load, hooks: Hooks = {}): Promise<Measured> {
  const consumer = load.services.includes(system.services.bare) ? [] : [system.services.consumer];
  const watched = [...load.services, ...consumer];
  const profile = profileRow(system.profileDir, name, watched);
  const result = await system.crowd.run(orderOf(system, load), groupsOf(system, load.services, consumer), {
    counting: () => {
      profile.start();
      hooks.counting?.();
    },
    counted: () => {
      profile.stop();
      hooks.counted?.();
    },
  });
  await profile.written;
  return result;
}

/** The processes whose CPU time a row tells. */
export function groupsOf(
  { stack, crowd }: BenchSystem,
  services: readonly RunningService[],
  consumer: readonly RunningService[],
): ProcessGroup[] {
  const [first] = services;
  const engines: [string, number | undefined][] = [
    ['postgres', stack.postgres.pid],
    ['redis', stack.redis.pid],
    ['kafka', stack.kafka.pid],
  ];
  return [
    { name: first!.name, pids: services.map(({ pid }) => pid) },
    ...consumer.map(({ name, pid }) => ({ name, pids: [pid] })),
    ...engines.flatMap(([name, pid]) => (pid === undefined ? [] : [{ name, pids: [pid] }])),
    { name: 'crowd', pids: [crowd.pid] },
  ];
}

/** Measures accepted claims, with what they cost in statements and calls, and how late their events were handled. */
export async function measureClaims(
  system: BenchSystem,
  name: string,
  load: Omit<Load, 'services'> & { readonly services?: readonly RunningService[] },
): Promise<Reading> {
  const services = load.services ?? [system.services.orders];
  await settleLog(system);
  await askConsumer(system.services.consumer);
  const readings: Promise<[number, number]>[] = [];
  const read = (): void => void readings.push(readCounts(services));
  const result = await runLoad(system, name, { ...load, services }, { counting: read, counted: read });
  const [from, to] = (await Promise.all(readings)) as [[number, number], [number, number]];
  expectOnly(result, '201');
  const events = await caughtUp(system);
  return {
    clients: load.clients,
    ...pick(result),
    sqlPerClaim: (to[0] - from[0]) / result.count,
    redisPerClaim: (to[1] - from[1]) / result.count,
    eventP50Ms: events.p50Ms,
    eventP99Ms: events.p99Ms,
  };
}

/**
 * Writes a checkpoint, after which Postgres has log files to use again, as one that has run for a while does. A young one
 * makes each new file of 16 MB with zeroes first, and nobody commits for the 50 ms that takes. What a row pays instead is
 * that every page goes into the log as a whole when it is first changed.
 */
export async function settleLog({ database }: BenchSystem): Promise<void> {
  await database.query('checkpoint');
}

/** SQL statements and Redis calls of orders processes so far. */
export async function readCounts(services: readonly RunningService[]): Promise<[number, number]> {
  const sum = async (metric: string): Promise<number> => {
    const values = await Promise.all(services.map((service) => readMetric(service, metric)));
    return values.reduce((total, value) => total + value, 0);
  };
  return [await sum('sql_statements'), await sum('gate_calls')];
}

export interface Delays {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The delays of the events that the consumer has handled since it was last asked. */
export function askConsumer(consumer: RunningService): Promise<Delays> {
  return new Promise((resolve) => {
    const listen = (message: unknown): void => {
      if (!(message as { delays?: Delays }).delays) return;
      consumer.child.off('message', listen);
      resolve((message as { delays: Delays }).delays);
    };
    consumer.child.on('message', listen);
    consumer.child.send('delays');
  });
}

/** Waits until the consumer has handled what was published, so that one row's backlog is not another one's load. */
export async function caughtUp(system: BenchSystem, withinMs = CONSUMER_CATCHES_UP_WITHIN_MS): Promise<Delays> {
  const first = await askConsumer(system.services.consumer);
  const until = Date.now() + withinMs;
  for (let idle = 0; idle < 3 && Date.now() < until;) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    idle = (await askConsumer(system.services.consumer)).count === 0 ? idle + 1 : 0;
  }
  return first;
}

/** What every row shows of a load. */
export function pick({ perSecond, p50Ms, p99Ms, cpuUs }: Measured): Omit<Reading, 'clients'> {
  return { perSecond, p50Ms, p99Ms, cpuUs };
}

/** A row counts only answers of its own kind: a mixture would measure something else. */
export function expectOnly(result: Measured, status: string): void {
  const others = Object.entries(result.statuses).filter(([other]) => other !== status);
  if (others.length > 0) throw new Error(`expected only ${status}, got ${JSON.stringify(result.statuses)}`);
}
