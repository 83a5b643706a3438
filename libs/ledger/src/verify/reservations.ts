// What is pending on the accounts are the open reservations. Both are read from one snapshot, in pages.
import type { Database, Tx } from '@gravity/persistence';
import type { Findings, LedgerProgress } from './report';

const PAGE = 5_000;
const FIRST = '00000000-0000-0000-0000-000000000000';

interface ReservationRow {
  readonly journal_id: string;
  readonly stands: boolean;
  readonly accounts: readonly string[] | null;
  readonly amounts: readonly (number | bigint)[] | null;
}

interface PendingRow {
  readonly account_id: string;
  readonly pending_in: number | bigint;
  readonly pending_out: number | bigint;
}

interface Pending {
  in: bigint;
  out: bigint;
}

/** Checks all open reservations. Returns how many. */
export function verifyReservations(
  database: Database,
  findings: Findings,
  onProgress: (progress: LedgerProgress) => void,
): Promise<number> {
  return database.transaction(async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only');
    const [counted] = await tx.query<{ total: number }>('select count(*) as total from ledger_reservations');
    const total = counted?.total ?? 0;
    const pending = new Map<string, Pending>();
    let done = 0;
    for (let last = FIRST; ;) {
      const rows = await readPage(tx, last);
      if (rows.length === 0) break;
      for (const row of rows) add(pending, row, findings);
      last = rows.at(-1)!.journal_id;
      done += rows.length;
      onProgress({ step: 'reservations', done, total });
    }
    await compare(tx, pending, findings);
    return done;
  });
}

function readPage(tx: Tx, last: string): Promise<ReservationRow[]> {
  return tx.query<ReservationRow>(
    `select r.journal_id, j.kind is not distinct from 'RESERVE' and j.expires_at = r.expires_at as stands, j.accounts, j.amounts
     from ledger_reservations r left join ledger_journals j on j.journal_id = r.journal_id
     where r.journal_id > $1 order by r.journal_id limit $2`,
    [last, PAGE],
  );
}

function add(pending: Map<string, Pending>, row: ReservationRow, findings: Findings): void {
  if (!row.stands) findings.add('pending', `reservation ${row.journal_id}`, 'has no journal that says the same');
  row.accounts?.forEach((accountId, index) => {
    const sum = pending.get(accountId) ?? { in: 0n, out: 0n };
    const amount = BigInt(row.amounts![index]!);
    if (amount > 0n) sum.in += amount;
    else sum.out -= amount;
    pending.set(accountId, sum);
  });
}

async function compare(tx: Tx, pending: Map<string, Pending>, findings: Findings): Promise<void> {
  for (let last = FIRST; ;) {
    const rows = await tx.query<PendingRow>(
      'select account_id, pending_in, pending_out from ledger_accounts where account_id > $1 order by account_id limit $2',
      [last, PAGE],
    );
    if (rows.length === 0) return;
    for (const row of rows) {
      const open = pending.get(row.account_id) ?? { in: 0n, out: 0n };
      if (BigInt(row.pending_in) !== open.in || BigInt(row.pending_out) !== open.out)
        findings.add(
          'pending',
          `account ${row.account_id}`,
          `says ${row.pending_in} in and ${row.pending_out} out where open reservations hold ${open.in} and ${open.out}`,
        );
    }
    last = rows.at(-1)!.account_id;
  }
}
