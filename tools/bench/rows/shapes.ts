// Variants of the same load: many items instead of one, many rounds, two processes, many buyers.
import { BUYERS, CLIENTS, DEEP_QUOTA, MANY_BUYERS, measureClaims, orderOf, type Reading, type RowKind } from '../row';
import { createBenchSale, type SaleOptions } from '../sale';
import type { BenchSystem } from '../system';

const MANY_BUYERS_WARM_UP_MS = 5_000;
const MANY_BUYERS_ROUNDS_MAX = 60;

export const SHAPES: readonly RowKind[] = [
  { name: 'items-100', measure: (system) => ofShape(system, 'items-100', { quota: DEEP_QUOTA, items: 100 }) },
  { name: 'processes-2', measure: twoProcesses },
];

export const ROUNDS: readonly RowKind[] = [1, 10, 100].map((rounds) => {
  const name = `rounds-${rounds}`;
  return { name, measure: (system) => ofShape(system, name, { quota: DEEP_QUOTA, rounds }) };
});

export const MANY: readonly RowKind[] = [{ name: `buyers-${MANY_BUYERS}`, buyers: MANY_BUYERS, measure: manyBuyers }];

async function ofShape(system: BenchSystem, name: string, options: SaleOptions): Promise<Reading> {
  const { targets } = await createBenchSale(system.database, options);
  return measureClaims(system, name, { clients: CLIENTS, targets });
}

async function twoProcesses(system: BenchSystem): Promise<Reading> {
  const { targets } = await createBenchSale(system.database, { quota: DEEP_QUOTA });
  const second = await system.startOrders('orders-2');
  try {
    const services = [system.services.orders, second];
    // The second process has not checked the tokens yet, and its code is not compiled yet.
    const warm = { clients: CLIENTS, targets, services, measureMs: 5_000 };
    for (let round = 0; round < 3; round += 1) {
      await system.loadGenerator.run(orderOf(system, { ...warm, firstBuyer: round * 1_000 }), []);
    }
    return await measureClaims(system, 'processes-2', { clients: CLIENTS, targets, services });
  } finally {
    await second.stop();
  }
}

/** All buyers have claimed before; the load uses all of them in turn. */
async function manyBuyers(system: BenchSystem): Promise<Reading> {
  const { targets } = await createBenchSale(system.database, { quota: DEEP_QUOTA });
  const load = { clients: CLIENTS, targets, services: [system.services.orders], buyers: MANY_BUYERS };
  let seen = 0;
  for (let round = 0; round < MANY_BUYERS_ROUNDS_MAX && seen < MANY_BUYERS; round += 1) {
    const how = { ...load, firstBuyer: seen, warmUpMs: 0, measureMs: MANY_BUYERS_WARM_UP_MS };
    seen += (await system.loadGenerator.run(orderOf(system, how), [])).count;
    system.say(
      `  ${Math.min(seen, MANY_BUYERS).toLocaleString('en')} of ${MANY_BUYERS.toLocaleString('en')} buyers seen`,
    );
  }
  return measureClaims(system, `buyers-${MANY_BUYERS}`, { ...load, firstBuyer: BUYERS });
}
