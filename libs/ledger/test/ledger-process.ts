// A process that posts what its parent tells it, and that a spec may kill. Each job is one or more commands: one is submitted to
// the group commit, several are executed in one transaction of their own.
import { openDatabase } from '@gravity/persistence';
import { Ledger, type LedgerCommand, type LedgerResult } from '../src';

/** What the parent sends first, once. */
export interface StartOrder {
  readonly url: string;
  readonly poolSize: number;
}

/** Jobs that run so many at a time. The answer is their results in their order. */
export interface JobsOrder {
  readonly jobs: readonly (readonly LedgerCommand[])[];
  readonly atOnce: number;
  /** How often a transaction is run again after a deadlock or a serialization failure. */
  readonly retries: number;
}

export type JobsAnswer = { readonly results: LedgerResult[][] } | { readonly failure: string };

let ledger: Ledger;
let transaction: (commands: readonly LedgerCommand[], retries: number) => Promise<LedgerResult[]>;

function start({ url, poolSize }: StartOrder): void {
  const database = openDatabase({ url, applicationName: 'ledger-process', poolSize });
  ledger = new Ledger(database, { service: 'process' });
  transaction = (commands, retries) => database.transaction((tx) => ledger.execute(tx, commands), { retries });
}

async function run({ jobs, atOnce, retries }: JobsOrder): Promise<LedgerResult[][]> {
  const results: LedgerResult[][] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next; index < jobs.length; index = next) {
      next += 1;
      const job = jobs[index]!;
      results[index] = job.length === 1 ? [await ledger.submit(job[0]!)] : await transaction(job, retries);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

process.on('message', (order: StartOrder | JobsOrder) => {
  if ('url' in order) return start(order);
  run(order).then(
    (results) => process.send!({ results }),
    (error: unknown) => process.send!({ failure: String(error) }),
  );
});
