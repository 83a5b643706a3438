// Runs the rows of the bench, one after the other on the same running system.
import type { Measured } from './load';
import { medianRow } from './median';
import type { BenchRow } from './report';
import {
  BUYERS,
  caughtUp,
  CROWD,
  DEEP_QUOTA,
  expectOnly,
  type Load,
  orderOf,
  pick,
  readCounts,
  type Reading,
  type RowKind,
  runLoad,
} from './row';
import { createBenchSale } from './sale';
import type { BenchSystem } from './system';

/** The bare server is measured often, so each time for a part of the time of a row. */
const BARE_SHARE = 0.6;
const WARM_UP_ROUND_MS = 4_000;
const WARM_UP_ROUNDS_MAX = 10;
/** In each kind of load before anything is measured, each buyer a few times: compilers settle late. */
const WARM_UP_REQUESTS = 4 * BUYERS;
const BARE = [{ path: '/bare', body: '{}' }];

/**
 * Measures these rows, so many times in turn. The speed of a machine drifts within a run: the bare server is measured
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
    tell(system, row);
  }
  const bare = medianRow(bares.map((reading) => ({ name: 'bare', ...reading, ratio: 1 })));
  return [{ ...bare, ratioSpan: undefined }, ...[...readings.values()].map(medianRow)];
}

function tell(system: BenchSystem, { name, perSecond, p50Ms, p99Ms, ratio, facts = {} }: BenchRow): void {
  const latency = p50Ms === undefined ? [] : [`p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms!.toFixed(1)} ms`];
  const more = Object.entries(facts).map(([what, value]) => `${what} ${value.toFixed(2)}`);
  system.say(
    `  ${[`${name}: ${Math.round(perSecond)}/s`, `${ratio.toFixed(2)} × bare`, ...latency, ...more].join(', ')}`,
  );
}

/** Every token is checked by each server, and what is measured has run hot, before anything is measured. */
async function warmUp(system: BenchSystem): Promise<void> {
  system.say('warming up …');
  const { bare, orders } = system.services;
  const { targets: deep } = await createBenchSale(system.database, { quota: DEEP_QUOTA });
  const { targets: soldOut } = await createBenchSale(system.database, { quota: 1 });
  await untilAllSeen(system, { clients: 64, targets: BARE, services: [bare] });
  for (const targets of [deep, soldOut, deep]) {
    await untilAllSeen(system, { clients: 64, targets, services: [orders] });
    // Another kind of request changes what the compiler knows of all of them: it must have seen this one before the rows.
    await readCounts([orders]);
  }
  await caughtUp(system);
}

async function untilAllSeen(system: BenchSystem, load: Load): Promise<void> {
  let seen = 0;
  for (let round = 0; round < WARM_UP_ROUNDS_MAX && seen < WARM_UP_REQUESTS; round += 1) {
    const order = orderOf(system, { ...load, firstBuyer: seen, measureMs: WARM_UP_ROUND_MS });
    seen += (await system.crowd.run(order, [])).count;
  }
}

async function bareRow(system: BenchSystem): Promise<Reading> {
  const load = {
    clients: CROWD,
    targets: BARE,
    services: [system.services.bare],
    measureMs: system.measureMs * BARE_SHARE,
  };
  const result: Measured = await runLoad(system, `bare-${CROWD}`, load);
  expectOnly(result, '201');
  return { clients: CROWD, ...pick(result) };
}
