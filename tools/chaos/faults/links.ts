// Faults of the network between an orders process and its neighbours: cut, slow, half open, or cut at the worst moment.
import { setTimeout as sleep } from 'node:timers/promises';
import type { PlannedCut, TcpProxy } from '@gravity/testing';
import type { Fault } from '../schedule';
import type { World } from '../world';
import { type FaultKind, nothing } from './fault-kind';

type LinkName = 'redis' | 'postgres' | 'http' | 'provider' | 'callback';

const SLOWEST_MS = 300;
const CUTS = 5;
/** Extra time for the moment of a cut that has not come during its fault, ms. */
const MOMENT_WITHIN_MS = 10_000;

function linkOf(world: World, name: LinkName, index: number): TcpProxy {
  if (name === 'provider') return world.cluster.providerLink;
  if (name === 'callback') return world.cluster.callbackLink;
  return world.node(index)[name];
}

function partsOf(name: LinkName): (index: number) => string[] {
  const shared = name === 'provider' || name === 'callback';
  return (index) => [shared ? `${name}-link` : `${name}-link-${index}`];
}

const between: Readonly<Record<LinkName, string>> = {
  redis: 'an orders process and Redis',
  postgres: 'an orders process and Postgres',
  http: 'buyers and an orders process',
  provider: 'orders and the payment provider',
  callback: 'the payment provider and orders (callbacks late, repeated, out of order)',
};

function faultsOf(name: LinkName): FaultKind[] {
  const kind = (
    what: string,
    title: string,
    lastsMs: readonly [number, number],
    inject: (link: TcpProxy, fault: Fault) => Promise<void>,
  ): FaultKind => ({
    name: `${name}-${what}`,
    title: `${title} between ${between[name]}`,
    lastsMs,
    parts: partsOf(name),
    inject: async (world, fault) => {
      const link = linkOf(world, name, fault.node);
      await inject(link, fault);
      return () => link.heal();
    },
  });
  return [
    kind('cut', 'connections reset again and again', [500, 2_500], async (link, { forMs }) => {
      for (let cut = 0; cut < CUTS; cut += 1) {
        link.cutAll();
        await sleep(forMs / CUTS);
      }
    }),
    kind('slow', 'a slow link', [1_000, 5_000], async (link, { strength }) =>
      link.delay(Math.round(20 + strength * SLOWEST_MS)),
    ),
    kind('half-open', 'a link that swallows everything', [1_000, 6_000], async (link) => link.hold()),
    kind('refused', 'connections refused', [500, 5_000], async (link) => {
      await link.refuse();
      link.cutAll();
    }),
  ];
}

/** Cuts a connection a few times, each at a chosen statement or script. */
function worstMoment(name: string, title: string, link: 'redis' | 'postgres', plan: PlannedCut): FaultKind {
  return {
    name,
    title,
    lastsMs: [1_500, 4_000],
    parts: partsOf(link),
    inject: async (world, { node, strength }) => {
      const proxy = world.node(node)[link];
      let fired = 0;
      // A planned cut stays until its moment comes or the link is healed; the moment may never come.
      const cuts = [0, 1, 2].map((later) =>
        proxy.cutAt({ ...plan, nth: 1 + Math.floor(later * (1 + strength * 4)) }).then(() => (fired += 1)),
      );
      return async () => {
        // Other faults may keep all processes from working at this time.
        if (fired === 0) await Promise.race([...cuts, sleep(MOMENT_WITHIN_MS, undefined, { ref: false })]);
        await proxy.heal();
        return { fired };
      };
    },
  };
}

export const linkFaults: readonly FaultKind[] = [
  ...(['redis', 'postgres', 'http', 'provider', 'callback'] as const).flatMap(faultsOf),
  worstMoment('postgres-before-commit', 'connection cut before a decision is sent', 'postgres', {
    at: 'request',
    match: 'decide-claims',
  }),
  worstMoment('postgres-after-commit', 'connection cut after the commit, before its reply', 'postgres', {
    at: 'reply',
    match: 'decide-claims',
  }),
  worstMoment('redis-before-script', 'connection cut before a script is sent', 'redis', {
    at: 'request',
    match: (chunk) => chunk.includes('evalsha'),
  }),
  worstMoment('redis-after-script', 'connection cut after a script ran, before its reply', 'redis', {
    at: 'reply',
    match: (chunk) => chunk.includes('evalsha'),
  }),
  {
    name: 'network-blink',
    title: 'every connection of every process reset at once',
    lastsMs: [100, 300],
    parts: () => ['everywhere'],
    inject: async ({ cluster }) => {
      for (const { redis, postgres, http } of cluster.nodes) for (const link of [redis, postgres, http]) link.cutAll();
      return nothing;
    },
  },
];
