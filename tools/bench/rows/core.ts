// The rows by which the project is known: refusals, accepted claims by crowd size, and the floor under the decision.
import { measureRawWrites } from '../raw-writes';
import { CROWD, DEEP_QUOTA, expectOnly, measureClaims, pick, type Reading, type RowKind, runLoad } from '../row';
import { createBenchSale } from '../sale';
import type { BenchSystem } from '../system';

const CLIENTS = [1, 16, 64, 256, 1_024, 4_096] as const;

export const CORE: readonly RowKind[] = [
  { name: `refusal-${CROWD}`, measure: refusals },
  ...CLIENTS.map((clients) => ({
    name: `claim-${clients}`,
    measure: (system: BenchSystem) => claims(system, clients),
  })),
  { name: 'raw-1', measure: rawWrites },
];

async function refusals(system: BenchSystem): Promise<Reading> {
  const { targets } = await createBenchSale(system.database, { quota: 1 });
  const load = { clients: CROWD, targets, services: [system.services.orders] };
  const result = await runLoad(system, `refusal-${CROWD}`, load);
  expectOnly(result, '409');
  return { clients: CROWD, ...pick(result) };
}

async function claims(system: BenchSystem, clients: number): Promise<Reading> {
  const { targets } = await createBenchSale(system.database, { quota: DEEP_QUOTA });
  return measureClaims(system, `claim-${clients}`, { clients, targets });
}

async function rawWrites(system: BenchSystem): Promise<Reading> {
  // Rows that no gate has seen would look like drift to the running service: the raw writes get a round that is over.
  const { itemUuids } = await createBenchSale(system.database, { quota: DEEP_QUOTA, status: 'SETTLED' });
  const raw = await measureRawWrites(system.ordersUrl, itemUuids[0]!, system.measureMs);
  return { clients: 1, ...raw, cpuUs: {} };
}
