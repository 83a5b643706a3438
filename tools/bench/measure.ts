// The rows of the bench, one after the other on the same running system.
import type { Stack } from '@gravity/testing';
import type { Client } from 'pg';
import type { ProcessGroup } from './cpu';
import type { Crowd, LoadOrder, Measured } from './load';
import { profileRow } from './profile';
import { measureRawWrites } from './raw-writes';
import type { BenchRow } from './report';
import { createBenchSale } from './sale';
import { readMetric, type RunningService } from './services';

const CLIENTS = [1, 16, 64, 256, 1_024, 4_096] as const;
/** Clients of the bare server and of the refusals. */
const CROWD = 256;
/** The bare server is measured often, so each time for a part of the time of a row. */
const BARE_SHARE = 0.6;
/** Before each row: a new load makes compilers think again. */
const WARM_UP_MS = 3_000;
const WARM_UP_ROUND_MS = 4_000;
const WARM_UP_ROUNDS_MAX = 10;
/** How often each buyer is seen in each kind of load before anything is measured: compilers settle late. */
const WARM_UP_TIMES = 8;
const DEEP_QUOTA = 10_000_000;
const CONSUMER_CATCHES_UP_WITHIN_MS = 60_000;

export interface BenchSystem {
  readonly stack: Stack;
  readonly services: Record<'bare' | 'orders' | 'consumer', RunningService>;
  readonly database: Client;
  readonly ordersUrl: string;
  readonly crowd: Crowd;
  readonly buyers: number;
  readonly measureMs: number;
  /** `claim-256`: only rows whose name is in here, next to the bare server; everything when undefined. */
  readonly only: ReadonlySet<string> | undefined;
  /** Folder for the CPU profiles of each row. */
  readonly profileDir: string | undefined;
  readonly say: (line: string) => void;
}

/** Names of all rows that can be chosen. */
export const ROW_NAMES: readonly string[] = ['refusal-256', ...CLIENTS.map((clients) => `claim-${clients}`), 'raw-1'];

/**
 * Measures everything; takes about three minutes at five seconds a row. The speed of a machine drifts within a run: the
 * bare server is measured before and after each row, and the row's ratio is to the mean of these two.
 */
export async function measureAll(system: BenchSystem): Promise<BenchRow[]> {
  await warmUp(system);
  const rows: BenchRow[] = [];
  const bares = [await bareRow(system)];
  for (const { name, measure } of rowsOf(system)) {
    if (system.only?.has(name) === false) continue;
    const row = await measure();
    bares.push(await bareRow(system));
    const [before, after] = bares.slice(-2) as [Reading, Reading];
    rows.push({ ...row, ratio: (2 * row.perSecond) / (before.perSecond + after.perSecond) });
    tell(system, rows.at(-1)!);
  }
  const typical = bares.sort((a, b) => a.perSecond - b.perSecond)[bares.length >> 1]!;
  return [{ ...typical, ratio: 1 }, ...rows];
}

/** A row before it is held against the bare server. */
type Reading = Omit<BenchRow, 'ratio'>;

function rowsOf(system: BenchSystem): { name: string; measure: () => Promise<Reading> }[] {
  const claims = CLIENTS.map((clients) => ({ name: `claim-${clients}`, measure: () => claimRow(system, clients) }));
  return [
    { name: 'refusal-256', measure: () => refusalRow(system) },
    ...claims,
    { name: 'raw-1', measure: () => rawRow(system) },
  ];
}

function tell(system: BenchSystem, { id, clients, perSecond, p50Ms, p99Ms, ratio }: BenchRow): void {
  const latency = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
  system.say(`  ${id} ${clients}: ${Math.round(perSecond)}/s, ${ratio.toFixed(2)} × bare, ${latency}`);
}

function groupsOf(system: BenchSystem, names: readonly ('bare' | 'orders' | 'consumer')[]): ProcessGroup[] {
  const { services, stack, crowd } = system;
  const engines: [string, number | undefined][] = [
    ['postgres', stack.postgres.pid],
    ['redis', stack.redis.pid],
    ['kafka', stack.kafka.pid],
  ];
  return [
    ...names.map((name) => ({ name, pids: [services[name].pid] })),
    ...engines.flatMap(([name, pid]) => (pid === undefined ? [] : [{ name, pids: [pid] }])),
    { name: 'crowd', pids: [crowd.pid] },
  ];
}

function order(
  system: BenchSystem,
  service: RunningService,
  what: { path: string; body: string; idempotent: boolean; clients: number },
  measureMs = system.measureMs,
): LoadOrder {
  return {
    host: service.url.hostname,
    port: Number(service.url.port),
    buyers: system.buyers,
    firstBuyer: 0,
    warmUpMs: WARM_UP_MS,
    measureMs,
    ...what,
  };
}

/** Every token is checked by each server, and what is measured has run hot, before anything is measured. */
async function warmUp(system: BenchSystem): Promise<void> {
  system.say('warming up …');
  const { bare, orders } = system.services;
  const [deep, soldOut] = [
    await createBenchSale(system.database, DEEP_QUOTA),
    await createBenchSale(system.database, 1),
  ];
  const how = { clients: 64, idempotent: true };
  await untilAllSeen(system, order(system, bare, { path: '/bare', body: '{}', ...how }, WARM_UP_ROUND_MS));
  for (const sale of [deep, soldOut, deep]) {
    await untilAllSeen(system, order(system, orders, { path: sale.path, body: sale.body, ...how }, WARM_UP_ROUND_MS));
    // Another kind of request changes what the compiler knows of all of them: it must have seen this one before the rows.
    await readCounts(system);
  }
  await caughtUp(system);
}

async function untilAllSeen(system: BenchSystem, load: LoadOrder): Promise<void> {
  let seen = 0;
  for (let round = 0; round < WARM_UP_ROUNDS_MAX && seen < WARM_UP_TIMES * system.buyers; round += 1) {
    seen += (await system.crowd.run({ ...load, firstBuyer: seen }, [])).count;
  }
}

/** Runs one row's load, with CPU profiles of the services in it when they are asked for. */
async function run(
  system: BenchSystem,
  name: string,
  services: readonly ('bare' | 'orders' | 'consumer')[],
  load: LoadOrder,
  hooks: { counting: () => void; counted: () => void } = { counting: () => undefined, counted: () => undefined },
): Promise<Measured> {
  const profile = profileRow(
    system.profileDir,
    name,
    services.map((service) => system.services[service]),
  );
  const result = await system.crowd.run(load, groupsOf(system, services), {
    counting: () => {
      profile.start();
      hooks.counting();
    },
    counted: () => {
      profile.stop();
      hooks.counted();
    },
  });
  await profile.written;
  return result;
}

async function bareRow(system: BenchSystem): Promise<Reading> {
  const what = { path: '/bare', body: '{}', idempotent: true, clients: CROWD };
  const load = order(system, system.services.bare, what, system.measureMs * BARE_SHARE);
  const result = await run(system, `bare-${CROWD}`, ['bare'], load);
  expectOnly(result, '201');
  return { id: 'bare', clients: CROWD, ...pick(result) };
}

async function refusalRow(system: BenchSystem): Promise<Reading> {
  const sale = await createBenchSale(system.database, 1);
  const what = { path: sale.path, body: sale.body, idempotent: true, clients: CROWD };
  const result = await run(system, `refusal-${CROWD}`, ['orders'], order(system, system.services.orders, what));
  expectOnly(result, '409');
  return { id: 'refusal', clients: CROWD, ...pick(result) };
}

async function rawRow(system: BenchSystem): Promise<Reading> {
  // Rows that no gate has seen would look like drift to the running service: the raw writes get a round that is over.
  const closed = await createBenchSale(system.database, DEEP_QUOTA, 'SETTLED');
  const raw = await measureRawWrites(system.ordersUrl, closed.itemUuid, system.measureMs);
  return { id: 'raw', clients: 1, ...raw, cpuUs: {} };
}

async function claimRow(system: BenchSystem, clients: number): Promise<Reading> {
  const { orders, consumer } = system.services;
  const deep = await createBenchSale(system.database, DEEP_QUOTA);
  await askConsumer(consumer);
  const readings: Promise<[number, number]>[] = [];
  const read = (): void => void readings.push(readCounts(system));
  const load = order(system, orders, { path: deep.path, body: deep.body, idempotent: true, clients });
  const result = await run(system, `claim-${clients}`, ['orders', 'consumer'], load, { counting: read, counted: read });
  const [from, to] = (await Promise.all(readings)) as [[number, number], [number, number]];
  expectOnly(result, '201');
  const events = await caughtUp(system);
  return {
    id: 'claim',
    clients,
    ...pick(result),
    sqlPerClaim: (to[0] - from[0]) / result.count,
    redisPerClaim: (to[1] - from[1]) / result.count,
    eventP50Ms: events.p50Ms,
    eventP99Ms: events.p99Ms,
  };
}

/** SQL statements and Redis calls of the orders service so far. */
function readCounts({ services: { orders } }: BenchSystem): Promise<[number, number]> {
  return Promise.all([readMetric(orders, 'sql_statements'), readMetric(orders, 'gate_calls')]);
}

interface Delays {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

function askConsumer(consumer: RunningService): Promise<Delays> {
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
async function caughtUp(system: BenchSystem): Promise<Delays> {
  const first = await askConsumer(system.services.consumer);
  const until = Date.now() + CONSUMER_CATCHES_UP_WITHIN_MS;
  for (let idle = 0; idle < 3 && Date.now() < until;) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    idle = (await askConsumer(system.services.consumer)).count === 0 ? idle + 1 : 0;
  }
  return first;
}

function pick({ perSecond, p50Ms, p99Ms, cpuUs }: Measured): Pick<BenchRow, 'perSecond' | 'p50Ms' | 'p99Ms' | 'cpuUs'> {
  return { perSecond, p50Ms, p99Ms, cpuUs };
}

/** A row counts only answers of its own kind: a mixture would measure something else. */
function expectOnly(result: Measured, status: string): void {
  const others = Object.entries(result.statuses).filter(([other]) => other !== status);
  if (others.length > 0) throw new Error(`expected only ${status}, got ${JSON.stringify(result.statuses)}`);
}
