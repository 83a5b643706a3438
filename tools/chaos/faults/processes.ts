// Faults of the service processes: killed, frozen, slowed down or restarted, and wall clocks that are wrong.
import { setTimeout as sleep } from 'node:timers/promises';
import { freezing, killing, type FaultKind, nothing } from './fault-kind';

const node = (index: number): string[] => [`orders-${index}`];
const MINUTE_MS = 60_000;

export const processFaults: readonly FaultKind[] = [
  killing(
    { name: 'orders-kill', title: 'kill -9 of an orders process', lastsMs: [200, 4_000], parts: node },
    (world, fault) => world.node(fault.node).process,
  ),
  freezing(
    { name: 'orders-freeze', title: 'SIGSTOP of an orders process', lastsMs: [1_000, 8_000], parts: node },
    (world, fault) => world.node(fault.node).process,
  ),
  {
    name: 'orders-stutter',
    title: 'SIGSTOP of an orders process for 50 to 300 ms, repeatedly: a stalled event loop',
    lastsMs: [2_000, 6_000],
    parts: node,
    inject: async (world, { node: index, forMs, strength }) => {
      const { process } = world.node(index);
      const until = performance.now() + forMs;
      while (performance.now() < until) {
        process.pause();
        await sleep(50 + strength * 250);
        process.resume();
        await sleep(30);
      }
      return nothing;
    },
  },
  {
    name: 'orders-restart',
    title: 'orderly restart of an orders process',
    lastsMs: [100, 1_500],
    parts: node,
    inject: async (world, fault) => {
      const { process } = world.node(fault.node);
      await process.stop();
      return () => process.start();
    },
  },
  killing(
    {
      name: 'provider-kill',
      title: 'kill -9 of the payment provider',
      lastsMs: [500, 6_000],
      parts: () => ['provider'],
    },
    ({ cluster }) => cluster.sandbox,
  ),
  freezing(
    {
      name: 'provider-freeze',
      title: 'SIGSTOP of the payment provider',
      lastsMs: [1_000, 7_000],
      parts: () => ['provider'],
    },
    ({ cluster }) => cluster.sandbox,
  ),
  killing(
    { name: 'catalog-kill', title: 'kill -9 of the catalogue', lastsMs: [500, 4_000], parts: () => ['catalog'] },
    ({ cluster }) => cluster.catalog,
  ),
  {
    name: 'clock-jump',
    title: 'wall clock of an orders process jumps by up to ten minutes and back',
    lastsMs: [1_000, 8_000],
    parts: (index) => [`clock-${index}`],
    inject: async (world, fault) => {
      await world.skew(fault.node, Math.round((fault.strength - 0.5) * 20 * MINUTE_MS));
      return () => world.skew(fault.node, 0);
    },
  },
];
