// Ten minutes of the largest crowd: memory must come to a level.
import { CLIENTS_MAX, DEEP_QUOTA, MANY_BUYERS, measureClaims, type Reading, type RowKind } from '../row';
import { createBenchSale } from '../sale';
import type { BenchSystem } from '../system';
import { memoryChart, watchMemory } from './memory';

const SOAK_MS = 600_000;

export const SOAK: readonly RowKind[] = [{ name: `soak-${CLIENTS_MAX}`, buyers: MANY_BUYERS, measure: soak }];

async function soak(system: BenchSystem): Promise<Reading> {
  const { targets } = await createBenchSale(system.database, { quota: DEEP_QUOTA });
  const memory = watchMemory(system);
  // So many buyers that none comes to hold hundreds of orders of the item: a limit per buyer never lets that happen.
  const load = { clients: CLIENTS_MAX, targets, buyers: MANY_BUYERS, measureMs: SOAK_MS };
  const reading = await measureClaims(system, `soak-${CLIENTS_MAX}`, load);
  const megabytes = memory.stop();
  const third = Math.floor(megabytes.length / 3);
  const most = (part: readonly number[]): number => Math.max(...part);
  return {
    ...reading,
    facts: {
      'memory of orders at most, MB': most(megabytes),
      'most of the last third / of the second': most(megabytes.slice(-third)) / most(megabytes.slice(third, -third)),
    },
    plots: [memoryChart('Memory of orders at 4,096 clients', megabytes)],
  };
}
