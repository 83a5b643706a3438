// The check of a whole ledger, in steps of bounded size, while it is in use.
import { createHash } from 'node:crypto';
import { systemClock } from '@gravity/kernel';
import { type Database, sqlState } from '@gravity/persistence';
import { showCheck } from '../metrics';
import { verifyAccounts } from './accounts';
import { readHeads, verifyBatches } from './batches';
import { Findings, type LedgerProgress, type LedgerReport } from './report';
import { verifyReservations } from './reservations';

/** A standby takes no writes, and a reader may not touch another's index: the check is only slower without. */
const READ_ONLY_STATES = ['25006', '42501'];

const NO_SUCH_DATABASE = '3D000';

/** Whether the database exists and has the tables of a ledger. */
export async function hasLedger(database: Database): Promise<boolean> {
  try {
    const [row] = await database.query<{ has: boolean }>(`select to_regclass('ledger_journals') is not null as has`);
    return row?.has === true;
  } catch (error) {
    if (sqlState(error) === NO_SUCH_DATABASE) return false;
    throw error;
  }
}

/**
 * Checks everything that was committed when it began: hash links, sums, entries, resolutions, balances, bounds, pending. Each
 * statement reads a bounded number of rows; other processes go on meanwhile. Metrics under `service` follow. Rejects when the
 * database cannot be read.
 */
export async function verifyLedger(
  database: Database,
  onProgress: (progress: LedgerProgress) => void = () => undefined,
  service = '',
): Promise<LedgerReport> {
  const findings = new Findings();
  await summarize(database);
  const heads = await readHeads(database, findings);
  const walked = await verifyBatches(database, heads, findings, onProgress);
  const accounts = await verifyAccounts(database, findings, onProgress);
  const reservations = await verifyReservations(database, findings, onProgress);
  const { found, first } = findings;
  const digest = createHash('sha256');
  for (const { chainId, number, hash } of heads) digest.update(`${chainId}:${number}:${hash.toString('hex')};`);
  showCheck(service, found, walked.journals + walked.entries + accounts + reservations, systemClock.nowMs());
  return {
    ok: Object.values(found).every((count) => count === 0),
    ...walked,
    accounts,
    reservations,
    findings: first,
    found,
    digest: digest.digest('hex'),
  };
}

/** Rows that arrived since the last vacuum come into the block range indexes, which find the rows of a batch. */
async function summarize(database: Database): Promise<void> {
  for (const index of ['ledger_journals_batch', 'ledger_entries_batch'])
    await database
      .query(`/* writes */ select brin_summarize_new_values($1::regclass)`, [index])
      .catch((error: unknown) => {
        if (!READ_ONLY_STATES.includes(sqlState(error) ?? '')) throw error;
      });
}
