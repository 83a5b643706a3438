// What a ledger tells of itself: its journals, its batches, and the last check of it.
import { Counter, Gauge, Histogram } from 'prom-client';
import type { LedgerCommand } from './commands';
import type { LedgerResult } from './outcome';

const journals = new Counter({
  name: 'ledger_journals_total',
  help: 'Journals decided, by kind and outcome',
  labelNames: ['service', 'kind', 'outcome'],
});
const batchSize = new Histogram({
  name: 'ledger_batch_size',
  help: 'Journals per batch of the group commit',
  labelNames: ['service'],
  buckets: [1, 4, 16, 64, 256],
});
const findings = new Gauge({
  name: 'ledger_check_findings',
  help: 'Contradictions that the last check of the ledger found, by kind of check',
  labelNames: ['service', 'check'],
});
const checkedRows = new Gauge({
  name: 'ledger_check_rows',
  help: 'Rows that the last check of the ledger read',
  labelNames: ['service'],
});
const checkedAt = new Gauge({
  name: 'ledger_check_last_timestamp_seconds',
  help: 'When the last check of the ledger ended, in seconds since the epoch',
  labelNames: ['service'],
});

/** Counts decided journals. */
export function countResults(
  service: string,
  commands: readonly LedgerCommand[],
  results: readonly LedgerResult[],
): void {
  const counts = new Map<string, number>();
  results.forEach((result, index) => {
    const outcome = result.ok ? (result.value.replayed ? 'replayed' : 'accepted') : result.error.code;
    const key = `${commands[index]!.kind} ${outcome}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  });
  for (const [key, count] of counts) {
    const [kind = '', outcome = ''] = key.split(' ');
    journals.inc({ service, kind: kind.toLowerCase(), outcome }, count);
  }
}

/** Counts a batch of the group commit. */
export function countBatch(service: string, size: number): void {
  batchSize.observe({ service }, size);
}

/** Shows what a check found. */
export function showCheck(
  service: string,
  byCheck: Readonly<Record<string, number>>,
  rows: number,
  endedMs: number,
): void {
  for (const [check, count] of Object.entries(byCheck)) findings.set({ service, check }, count);
  checkedRows.set({ service }, rows);
  checkedAt.set({ service }, endedMs / 1_000);
}
