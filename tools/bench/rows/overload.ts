// Overload: requests against accepted claims at growing rates, and ten times the peak rate for a minute. Also measures
// whether the system has recovered ten seconds later. No limit applies to these rows.
import { sleep } from '@gravity/kernel';
import { cpuTimeUs, type ProcessGroup } from '../cpu';
import type { OpenLoopOrder, OpenLoopResult, Target } from '../load';
import { lineChart } from '../plot';
import { profileRow } from '../profile';
import { costOf } from '../report';
import { CLIENTS, DEEP_QUOTA, groupsOf, measureClaims, type Reading, type RowKind } from '../row';
import { createBenchSale } from '../sale';
import type { BenchSystem } from '../system';
import { memoryChart, watchMemory } from './memory';

const STEPS = [0.5, 1, 2, 5] as const;
const STEP_MS = 10_000;
const OVERLOAD_FACTOR = 10;
const OVERLOAD_MS = 60_000;
/** Together with the warm-up of the next measurement: ten seconds. */
const RECOVERY_MS = 7_000;
/** More connections than the queue of claims has places, so that claims are refused. */
const CONNECTIONS_MAX = 10_000;
/** A balancer with this bound on connections refuses the rest itself. */
const CONNECTIONS_BOUNDED = 4_096;
/** The timeout of a buyer's app. */
const TIMEOUT_MS = 10_000;
const PEAK_CLIENTS = 1_024;
/** With this many items, no buyer gets dozens of units of one item within minutes. */
const ITEMS = 8;

export const OVERLOAD: readonly RowKind[] = [
  { name: 'overload-10', measure: (system) => overload(system, CONNECTIONS_MAX) },
  { name: 'overload-10-bounded', measure: (system) => overload(system, CONNECTIONS_BOUNDED) },
];

async function overload(system: BenchSystem, connectionsMax: number): Promise<Reading> {
  // Before and after are measured on separate, identical sales.
  const [targets, earlier, later] = [await saleOf(system), await saleOf(system), await saleOf(system)];
  const peak = await measureClaims(system, 'peak', { clients: PEAK_CLIENTS, targets, measureMs: STEP_MS });
  const load = { clients: CLIENTS, measureMs: STEP_MS };
  const before = await measureClaims(system, 'before-overload', { ...load, targets: earlier });
  const memory = watchMemory(system);
  const step = (perSecond: number, durationMs: number): Promise<OpenLoopResult> =>
    offer(system, { targets, perSecond, durationMs, connectionsMax });
  const results: OpenLoopResult[] = [];
  for (const times of STEPS) results.push(await step(times * peak.perSecond, STEP_MS));
  const { orders, consumer } = system.services;
  const profile = profileRow(system.profileDir, `overload-${connectionsMax}`, [orders, consumer]);
  const cpu = cpuOf(groupsOf(system, [orders], [consumer]));
  profile.start();
  const overloaded = await step(OVERLOAD_FACTOR * peak.perSecond, OVERLOAD_MS);
  profile.stop();
  const cpuUs = cpu((overloaded.acceptedPerSecond * OVERLOAD_MS) / 1_000);
  await profile.written;
  await sleep(RECOVERY_MS);
  const megabytes = memory.stop();
  const after = await measureClaims(system, 'after-overload', { ...load, targets: later });
  const sustained = await measureClaims(system, 'sustained', {
    clients: PEAK_CLIENTS,
    targets,
    measureMs: OVERLOAD_MS,
  });
  results.push(overloaded);
  const refused = (overloaded.statuses['503'] ?? 0) + (overloaded.statuses['429'] ?? 0);
  return {
    clients: connectionsMax,
    perSecond: overloaded.acceptedPerSecond,
    p50Ms: overloaded.p50Ms,
    p99Ms: overloaded.p99Ms,
    cpuUs,
    facts: {
      'requests / peak': overloaded.offeredPerSecond / peak.perSecond,
      'accepted / peak': overloaded.acceptedPerSecond / peak.perSecond,
      'accepted / with 1,024 clients for a minute': overloaded.acceptedPerSecond / sustained.perSecond,
      'accepted / mean of both': (2 * overloaded.acceptedPerSecond) / (peak.perSecond + sustained.perSecond),
      'CPU of a claim / with 1,024 clients': costOf({ cpuUs }) / costOf(sustained),
      'refused with Retry-After / refused': refused === 0 ? 1 : overloaded.withRetryAfter / refused,
      refused,
      'without an answer': (overloaded.statuses['no answer'] ?? 0) + (overloaded.statuses['not connected'] ?? 0),
      'dropped without a free connection': overloaded.dropped,
      'maximum memory of orders, MB': Math.max(...megabytes),
      'memory of orders ten seconds later, MB': megabytes.at(-1)!,
      'throughput ten seconds later / before': after.perSecond / before.perSecond,
      'p50 ten seconds later / before': after.p50Ms! / before.p50Ms!,
    },
    plots: [offeredChart(results), memoryChart('Memory of orders under overload', megabytes)],
  };
}

/** Starts to measure the CPU time of the groups. The result returns microseconds per claim. */
function cpuOf(groups: readonly ProcessGroup[]): (claims: number) => Record<string, number> {
  const before = groups.map(cpuTimeUs);
  return (claims) =>
    Object.fromEntries(groups.map((group, index) => [group.name, (cpuTimeUs(group) - before[index]!) / claims]));
}

async function saleOf({ database }: BenchSystem): Promise<readonly Target[]> {
  return (await createBenchSale(database, { quota: DEEP_QUOTA, items: ITEMS })).targets;
}

function offer(
  { loadGenerator, services, say }: BenchSystem,
  load: Omit<OpenLoopOrder, 'server' | 'timeoutMs'>,
): Promise<OpenLoopResult> {
  say(`  ${Math.round(load.perSecond).toLocaleString('en')} claims a second for ${load.durationMs / 1_000} s …`);
  const { url } = services.orders;
  const server = { host: url.hostname, port: Number(url.port) };
  return loadGenerator.runOpen({ ...load, server, timeoutMs: TIMEOUT_MS });
}

function offeredChart(results: readonly OpenLoopResult[]): string {
  const places = results.map(({ offeredPerSecond }) => String(Math.round(offeredPerSecond)));
  return lineChart('Claims a second', { title: 'requested', places }, 'accepted', [
    { name: 'accepted', values: results.map(({ acceptedPerSecond }) => acceptedPerSecond) },
  ]);
}
