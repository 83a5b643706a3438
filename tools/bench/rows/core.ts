// The main rows: refusals, accepted claims by number of clients, and the raw writes to Postgres.
import { cpuTimeUs } from '../cpu';
import { measureRawWrites, ROWS_OF_BATCH } from '../raw-writes';
import {
  CLIENTS_MAX,
  CLIENTS,
  DEEP_QUOTA,
  expectOnly,
  measureClaims,
  loadResult,
  type Reading,
  type RowKind,
  runLoad,
  checkpoint,
} from '../row';
import { createBenchSale } from '../sale';
import type { BenchSystem } from '../system';

const CLIENT_COUNTS = [1, 16, 64, CLIENTS, 1_024, CLIENTS_MAX] as const;

export const CORE: readonly RowKind[] = [
  { name: `refusal-${CLIENTS}`, measure: refusals },
  ...CLIENT_COUNTS.map((clients) => ({
    name: `claim-${clients}`,
    measure: (system: BenchSystem) => claims(system, clients),
  })),
  { name: 'raw-1', measure: rawWrites },
];

async function refusals(system: BenchSystem): Promise<Reading> {
  const { targets } = await createBenchSale(system.database, { quota: 1 });
  const load = { clients: CLIENTS, targets, services: [system.services.orders] };
  const result = await runLoad(system, `refusal-${CLIENTS}`, load);
  expectOnly(result, '409');
  return { clients: CLIENTS, ...loadResult(result) };
}

async function claims(system: BenchSystem, clients: number): Promise<Reading> {
  const { targets } = await createBenchSale(system.database, { quota: DEEP_QUOTA });
  const reading = await measureClaims(system, `claim-${clients}`, { clients, targets });
  if (clients > 1) return reading;
  const { p50Ms } = await writeRows(system, 1);
  return { ...reading, facts: { ...reading.facts, 'the same row without a decision, p50 ms': p50Ms } };
}

async function rawWrites(system: BenchSystem): Promise<Reading> {
  const { pid } = system.stack.postgres;
  const postgres = { name: 'postgres', pids: pid === undefined ? [] : [pid] };
  const beforeUs = cpuTimeUs(postgres);
  const { count, ...reading } = await writeRows(system, ROWS_OF_BATCH);
  return { clients: 1, ...reading, cpuUs: { postgres: (cpuTimeUs(postgres) - beforeUs) / count } };
}

async function writeRows(system: BenchSystem, rows: number): ReturnType<typeof measureRawWrites> {
  // The running service would report rows that the gate does not know as drift, so the raw writes use a settled round.
  const { itemUuids } = await createBenchSale(system.database, { quota: DEEP_QUOTA, status: 'SETTLED' });
  await checkpoint(system);
  return measureRawWrites(system.ordersUrl, itemUuids[0]!, system.measureMs, rows);
}
