// Ten minutes with the largest number of clients: memory must stop growing.
import { CLIENTS_MAX, DEEP_QUOTA, MANY_BUYERS, measureClaims, type Reading, type RowKind } from '../row';
import { createBenchSale } from '../sale';
import type { BenchSystem } from '../system';
import { memoryChart, watchMemory } from './memory';

const SOAK_MS = 600_000;

export const SOAK: readonly RowKind[] = [{ name: `soak-${CLIENTS_MAX}`, buyers: MANY_BUYERS, measure: soak }];

async function soak(system: BenchSystem): Promise<Reading> {
  const { targets } = await createBenchSale(system.database, { quota: DEEP_QUOTA });
  const memory = watchMemory(system);
  // With this many buyers, none gets hundreds of orders of the item. Real sales limit the orders per buyer.
  const load = { clients: CLIENTS_MAX, targets, buyers: MANY_BUYERS, measureMs: SOAK_MS };
  const reading = await measureClaims(system, `soak-${CLIENTS_MAX}`, load);
  const megabytes = memory.stop();
  const third = Math.floor(megabytes.length / 3);
  const maximum = (part: readonly number[]): number => Math.max(...part);
  return {
    ...reading,
    facts: {
      'maximum memory of orders, MB': maximum(megabytes),
      'maximum of the last third / of the second':
        maximum(megabytes.slice(-third)) / maximum(megabytes.slice(third, -third)),
    },
    plots: [memoryChart('Memory of orders at 4,096 clients', megabytes)],
  };
}
