// Runs the rows of the bench, one after another, on the same running system.
import type { Measured } from './load';
import { medianRow } from './median';
import type { BenchRow } from './report';
import {
  BUYERS,
  consumerIdle,
  CLIENTS,
  DEEP_QUOTA,
  expectOnly,
  type Load,
  orderOf,
  loadResult,
  readCounts,
  type Reading,
  type RowKind,
  runLoad,
} from './row';
import { createBenchSale } from './sale';
import type { BenchSystem } from './system';

/** The bare server is measured after every row, each time for this share of a row's duration. */
const BARE_SHARE = 0.6;
const WARM_UP_ROUND_MS = 4_000;
const WARM_UP_ROUNDS_MAX = 10;
/** Requests of each kind of load before the first row: the just-in-time compiler needs them to reach a steady state. */
const WARM_UP_REQUESTS = 4 * BUYERS;
const BARE = [{ path: '/bare', body: '{}' }];

/**
 * Measures these rows `times` times in turn. The speed of a machine drifts within a run, so the bare server is measured
 * before and after each row, and the row's ratio is to the mean of these two.
 */
export async function measureAll(system: BenchSystem, kinds: readonly RowKind[], times: number): Promise<BenchRow[]> {
  await warmUp(system);
  const readings = new Map<string, BenchRow[]>(kinds.map(({ name }) => [name, []]));
  const bares = [await bareRow(system)];
  for (const kind of Array.from({ length: times }, () => kinds).flat()) {
    const reading = await kind.measure(system);
    bares.push(await bareRow(system));
    const [before, after] = bares.slice(-2) as [Reading, Reading];
    const row = { name: kind.name, ...reading, ratio: (2 * reading.perSecond) / (before.perSecond + after.perSecond) };
    readings.get(kind.name)!.push(row);
    printProgress(system, row);
  }
  const bare = medianRow(bares.map((reading) => ({ name: 'bare', ...reading, ratio: 1 })));
  return [{ ...bare, ratioSpan: undefined }, ...[...readings.values()].map(medianRow)];
}

function printProgress(system: BenchSystem, { name, perSecond, p50Ms, p99Ms, ratio, facts = {} }: BenchRow): void {
  const latency = p50Ms === undefined ? [] : [`p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms!.toFixed(1)} ms`];
  const more = Object.entries(facts).map(([what, value]) => `${what} ${value.toFixed(2)}`);
  system.say(
    `  ${[`${name}: ${Math.round(perSecond)}/s`, `${ratio.toFixed(2)} × bare`, ...latency, ...more].join(', ')}`,
  );
}

/** Before the first row, every server has checked every token, and all measured code is compiled. */
async function warmUp(system: BenchSystem): Promise<void> {
  system.say('warming up …');
  const { bare, orders } = system.services;
  const { targets: deep } = await createBenchSale(system.database, { quota: DEEP_QUOTA });
  const { targets: soldOut } = await createBenchSale(system.database, { quota: 1 });
  await untilAllSeen(system, { clients: 64, targets: BARE, services: [bare] });
  for (const targets of [deep, soldOut, deep]) {
    await untilAllSeen(system, { clients: 64, targets, services: [orders] });
    // A new kind of request makes the compiler optimize again, so the metrics are read here before the rows.
    await readCounts([orders]);
  }
  await consumerIdle(system);
}

async function untilAllSeen(system: BenchSystem, load: Load): Promise<void> {
  let seen = 0;
  for (let round = 0; round < WARM_UP_ROUNDS_MAX && seen < WARM_UP_REQUESTS; round += 1) {
    const order = orderOf(system, { ...load, firstBuyer: seen, measureMs: WARM_UP_ROUND_MS });
    seen += (await system.loadGenerator.run(order, [])).count;
  }
}

async function bareRow(system: BenchSystem): Promise<Reading> {
  const load = {
    clients: CLIENTS,
    targets: BARE,
    services: [system.services.bare],
    measureMs: system.measureMs * BARE_SHARE,
  };
  const result: Measured = await runLoad(system, `bare-${CLIENTS}`, load);
  expectOnly(result, '201');
  return { clients: CLIENTS, ...loadResult(result) };
}
