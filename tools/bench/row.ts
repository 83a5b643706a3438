// The code that all rows of the bench share: building, running and reading a load.
import { sleep } from '@gravity/kernel';
import type { Percentiles } from '../lib/percentiles';
import type { ProcessGroup } from './cpu';
import type { LoadOrder, Measured, Server, Target } from './load';
import { profileRow } from './profile';
import type { BenchRow } from './report';
import { nextMessage, readMetric, type RunningService } from './services';
import type { BenchSystem } from './system';

/** Clients of the bare server and of the rows that do not vary them. */
export const CLIENTS = 256;
export const DEEP_QUOTA = 10_000_000;
/** Before each row: the just-in-time compiler adapts to a new load. */
const WARM_UP_MS = 3_000;
const CONSUMER_IDLE_WITHIN_MS = 60_000;
const CONSUMER_POLL_MS = 300;

/** A row without its ratio to the bare server. */
export type Reading = Omit<BenchRow, 'ratio' | 'name'>;

/** One row of the bench. */
export interface RowKind {
  readonly name: string;
  /** Number of tokens needed. Default: {@link BUYERS}. */
  readonly buyers?: number;
  measure(system: BenchSystem): Promise<Reading>;
}

export interface Load {
  readonly clients: number;
  readonly targets: readonly Target[];
  readonly services: readonly RunningService[];
  /** Number of tokens used. Default: {@link BUYERS}. */
  readonly buyers?: number;
  readonly firstBuyer?: number;
  readonly warmUpMs?: number;
  readonly measureMs?: number;
}

/** The largest number of clients. */
export const CLIENTS_MAX = 4_096;
/** A row sells about ten thousand units. With this many buyers, none exceeds the limit per buyer of a real sale. */
export const BUYERS = 16_384;
export const MANY_BUYERS = 100_000;

/** The order for the load generator. */
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

/** Runs the load of one row, with CPU profiles of its services on request. */
export async function runLoad(system: BenchSystem, name: string, load: Load, hooks: Hooks = {}): Promise<Measured> {
  const consumer = load.services.includes(system.services.bare) ? [] : [system.services.consumer];
  const watched = [...load.services, ...consumer];
  const profile = profileRow(system.profileDir, name, watched);
  const result = await system.loadGenerator.run(orderOf(system, load), groupsOf(system, load.services, consumer), {
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

/** The processes whose CPU time a row reports. */
export function groupsOf(
  { stack, loadGenerator }: BenchSystem,
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
    { name: 'clients', pids: [loadGenerator.pid] },
  ];
}

/** Measures accepted claims, their SQL statements and Redis calls, and the delay of their events. */
export async function measureClaims(
  system: BenchSystem,
  name: string,
  load: Omit<Load, 'services'> & { readonly services?: readonly RunningService[] },
): Promise<Reading> {
  const services = load.services ?? [system.services.orders];
  await checkpoint(system);
  await takeDelays(system.services.consumer);
  const readings: Promise<[number, number]>[] = [];
  const read = (): void => void readings.push(readCounts(services));
  const result = await runLoad(system, name, { ...load, services }, { counting: read, counted: read });
  const [from, to] = (await Promise.all(readings)) as [[number, number], [number, number]];
  expectOnly(result, '201');
  const events = await consumerIdle(system);
  return {
    clients: load.clients,
    ...loadResult(result),
    sqlPerClaim: (to[0] - from[0]) / result.count,
    redisPerClaim: (to[1] - from[1]) / result.count,
    eventP50Ms: events.p50Ms,
    eventP99Ms: events.p99Ms,
  };
}

/**
 * Writes a checkpoint. Afterwards Postgres reuses its log files, as a server does that has run for a while. A new server
 * fills each new file of 16 MB with zeros first, and no transaction commits during these 50 ms. In exchange, the first
 * change of each page writes the full page to the log.
 */
export async function checkpoint({ database }: BenchSystem): Promise<void> {
  await database.query('checkpoint');
}

/** The number of SQL statements and Redis calls of orders processes since their start. */
export async function readCounts(services: readonly RunningService[]): Promise<[number, number]> {
  const sum = async (metric: string): Promise<number> => {
    const values = await Promise.all(services.map((service) => readMetric(service, metric)));
    return values.reduce((total, value) => total + value, 0);
  };
  return [await sum('sql_statements'), await sum('gate_calls')];
}

interface Delays extends Percentiles {
  readonly count: number;
}

/** The delays of the events that the consumer has handled since the last call. */
export function takeDelays(consumer: RunningService): Promise<Delays> {
  const delays = nextMessage<Delays>(consumer, 'delays');
  consumer.child.send('delays');
  return delays;
}

/** Waits until the consumer has handled all events, so that the backlog of one row does not slow down the next one. */
export async function consumerIdle(system: BenchSystem, withinMs = CONSUMER_IDLE_WITHIN_MS): Promise<Delays> {
  const first = await takeDelays(system.services.consumer);
  const until = Date.now() + withinMs;
  for (let idle = 0; idle < 3 && Date.now() < until;) {
    await sleep(CONSUMER_POLL_MS);
    idle = (await takeDelays(system.services.consumer)).count === 0 ? idle + 1 : 0;
  }
  return first;
}

/** The results of a load that every row reports. */
export function loadResult({ perSecond, p50Ms, p99Ms, cpuUs }: Measured): Omit<Reading, 'clients'> {
  return { perSecond, p50Ms, p99Ms, cpuUs };
}

/** Throws when a load had answers with another status than the expected one. */
export function expectOnly(result: Measured, status: string): void {
  const others = Object.entries(result.statuses).filter(([other]) => other !== status);
  if (others.length > 0) throw new Error(`expected only ${status}, got ${JSON.stringify(result.statuses)}`);
}
