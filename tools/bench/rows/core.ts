// The rows by which the project is known: refusals, accepted claims by crowd size, and the floor under the decision.
import { cpuTicks } from '../cpu';
import { measureRawWrites, ROWS_OF_BATCH } from '../raw-writes';
import {
  CLIENTS_MAX,
  CROWD,
  DEEP_QUOTA,
  expectOnly,
  measureClaims,
  pick,
  type Reading,
  type RowKind,
  runLoad,
  settleLog,
} from '../row';
import { createBenchSale } from '../sale';
import type { BenchSystem } from '../system';

const CLIENTS = [1, 16, 64, CROWD, 1_024, CLIENTS_MAX] as const;

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
  const reading = await measureClaims(system, `claim-${clients}`, { clients, targets });
  if (clients > 1) return reading;
  const { p50Ms } = await writeRows(system, 1);
  return { ...reading, facts: { ...reading.facts, 'the same row written without a decision, p50 ms': p50Ms } };
}

async function rawWrites(system: BenchSystem): Promise<Reading> {
  const { pid } = system.stack.postgres;
  const postgres = { name: 'postgres', pids: pid === undefined ? [] : [pid] };
  const beforeUs = cpuTicks(postgres);
  const { count, ...reading } = await writeRows(system, ROWS_OF_BATCH);
  return { clients: 1, ...reading, cpuUs: { postgres: (cpuTicks(postgres) - beforeUs) / count } };
}

async function writeRows(system: BenchSystem, rows: number): ReturnType<typeof measureRawWrites> {
  // Rows that no gate has seen would look like drift to the running service: the raw writes get a round that is over.
  const { itemUuids } = await createBenchSale(system.database, { quota: DEEP_QUOTA, status: 'SETTLED' });
  await settleLog(system);
  return measureRawWrites(system.ordersUrl, itemUuids[0]!, system.measureMs, rows);
}
