// More than the machine can take: what is asked for against what is accepted, at growing rates and ten times the peak for
// a minute, and whether all is as before ten seconds later. The rows report this; no floor judges them.
import { cpuTicks, type ProcessGroup } from '../cpu';
import type { OpenLoopOrder, OpenLoopResult, Target } from '../load';
import { lineChart } from '../plot';
import { profileRow } from '../profile';
import { costOf } from '../report';
import { CROWD, DEEP_QUOTA, groupsOf, measureClaims, type Reading, type RowKind } from '../row';
import { createBenchSale } from '../sale';
import type { BenchSystem } from '../system';
import { memoryChart, watchMemory } from './memory';

const STEPS = [0.5, 1, 2, 5] as const;
const STEP_MS = 10_000;
const MOST = 10;
const MOST_MS = 60_000;
/** With the seconds in which the crowd of the last measurement warms up, ten. */
const REST_MS = 7_000;
/** More connections than claims may wait for a decision: some claims are refused. */
const CONNECTIONS_MAX = 10_000;
/** A balancer with a bound on connections refuses the rest itself. */
const CONNECTIONS_BOUNDED = 4_096;
/** As patient as the app of a buyer. */
const TIMEOUT_MS = 10_000;
const PEAK_CLIENTS = 1_024;
/** So many that in minutes no buyer comes to hold dozens of units of one. */
const ITEMS = 8;

export const OVERLOAD: readonly RowKind[] = [
  { name: 'overload-10', measure: (system) => overload(system, CONNECTIONS_MAX) },
  { name: 'overload-10-bounded', measure: (system) => overload(system, CONNECTIONS_BOUNDED) },
];

async function overload(system: BenchSystem, connectionsMax: number): Promise<Reading> {
  // Before and after on sales of their own, which are alike.
  const [targets, earlier, later] = [await saleOf(system), await saleOf(system), await saleOf(system)];
  const peak = await measureClaims(system, 'peak', { clients: PEAK_CLIENTS, targets, measureMs: STEP_MS });
  const calm = { clients: CROWD, measureMs: STEP_MS };
  const before = await measureClaims(system, 'before-overload', { ...calm, targets: earlier });
  const memory = watchMemory(system);
  const step = (perSecond: number, durationMs: number): Promise<OpenLoopResult> =>
    offer(system, { targets, perSecond, durationMs, connectionsMax });
  const results: OpenLoopResult[] = [];
  for (const times of STEPS) results.push(await step(times * peak.perSecond, STEP_MS));
  const { orders, consumer } = system.services;
  const profile = profileRow(system.profileDir, `overload-${connectionsMax}`, [orders, consumer]);
  const cpu = cpuOf(groupsOf(system, [orders], [consumer]));
  profile.start();
  const most = await step(MOST * peak.perSecond, MOST_MS);
  profile.stop();
  const cpuUs = cpu((most.acceptedPerSecond * MOST_MS) / 1_000);
  await profile.written;
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  const megabytes = memory.stop();
  const after = await measureClaims(system, 'after-overload', { ...calm, targets: later });
  const sustained = await measureClaims(system, 'sustained', { clients: PEAK_CLIENTS, targets, measureMs: MOST_MS });
  results.push(most);
  const refused = (most.statuses['503'] ?? 0) + (most.statuses['429'] ?? 0);
  return {
    clients: connectionsMax,
    perSecond: most.acceptedPerSecond,
    p50Ms: most.p50Ms,
    p99Ms: most.p99Ms,
    cpuUs,
    facts: {
      'asked for, in peaks': most.offeredPerSecond / peak.perSecond,
      'accepted / peak': most.acceptedPerSecond / peak.perSecond,
      'accepted / what 1,024 clients get in a minute': most.acceptedPerSecond / sustained.perSecond,
      'accepted / mean of both': (2 * most.acceptedPerSecond) / (peak.perSecond + sustained.perSecond),
      'CPU of a claim / with 1,024 clients': costOf({ cpuUs }) / costOf(sustained),
      'refused with Retry-After / refused': refused === 0 ? 1 : most.withRetryAfter / refused,
      refused,
      'without an answer': (most.statuses['no answer'] ?? 0) + (most.statuses['not connected'] ?? 0),
      'turned away for want of a connection': most.turnedAway,
      'memory of orders at most, MB': Math.max(...megabytes),
      'memory of orders ten seconds later, MB': megabytes.at(-1)!,
      'speed ten seconds later / before': after.perSecond / before.perSecond,
      'p50 ten seconds later / before': after.p50Ms! / before.p50Ms!,
    },
    plots: [offeredChart(results), memoryChart('Memory of orders under overload', megabytes)],
  };
}

/** What the groups use from now on: answers their microseconds for each of so many claims. */
function cpuOf(groups: readonly ProcessGroup[]): (claims: number) => Record<string, number> {
  const before = groups.map(cpuTicks);
  return (claims) =>
    Object.fromEntries(groups.map((group, index) => [group.name, (cpuTicks(group) - before[index]!) / claims]));
}

async function saleOf({ database }: BenchSystem): Promise<readonly Target[]> {
  return (await createBenchSale(database, { quota: DEEP_QUOTA, items: ITEMS })).targets;
}

function offer(
  { crowd, services, say }: BenchSystem,
  load: Omit<OpenLoopOrder, 'server' | 'timeoutMs'>,
): Promise<OpenLoopResult> {
  say(`  ${Math.round(load.perSecond).toLocaleString('en')} claims a second for ${load.durationMs / 1_000} s …`);
  const { url } = services.orders;
  const server = { host: url.hostname, port: Number(url.port) };
  return crowd.runOpen({ ...load, server, timeoutMs: TIMEOUT_MS });
}

function offeredChart(results: readonly OpenLoopResult[]): string {
  const places = results.map(({ offeredPerSecond }) => String(Math.round(offeredPerSecond)));
  return lineChart('Claims a second', { title: 'asked for', places }, 'accepted', [
    { name: 'accepted', values: results.map(({ acceptedPerSecond }) => acceptedPerSecond) },
  ]);
}
