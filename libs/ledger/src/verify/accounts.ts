// The walk over the accounts: every entry follows from the one before it, stays within the bounds, and the last one is what the
// account says. An account is read first and its entries up to that state afterwards, so a ledger in use can be checked.
import type { Database } from '@gravity/persistence';
import type { Findings, LedgerProgress } from './report';

const PAGE_ACCOUNTS = 500;
const STEP_ENTRIES = 20_000;

interface AccountRow {
  readonly account_id: string;
  readonly entries: number;
  readonly balance: number | bigint;
  readonly pending_in: number | bigint;
  readonly pending_out: number | bigint;
}

/** Entries of one account that are read in one step. */
interface Part {
  readonly account: AccountRow;
  readonly low: number;
  readonly high: number;
}

interface PartRow {
  readonly account_id: string;
  readonly count: number;
  readonly wrong: number | null;
  readonly beyond: number | null;
  readonly balance: number | bigint | null;
  readonly pending_in: number | bigint | null;
  readonly pending_out: number | bigint | null;
}

const NO_ENTRIES: PartRow = {
  account_id: '',
  count: 0,
  wrong: null,
  beyond: null,
  balance: null,
  pending_in: null,
  pending_out: null,
};

/** Each part with the entry before it. Answers how many entries it has, the first that is wrong, and where the last one left it. */
const ENTRIES = `
  select e.account_id, count(*) filter (where e.sequence >= e.low) as count,
    min(e.sequence) filter (where e.sequence >= e.low and
      (e.sequence, e.balance, e.pending_in, e.pending_out) is distinct from
      (e.last_sequence + 1, e.last_balance + e.posted, e.last_in + e.held_in, e.last_out + e.held_out)
      or e.at < e.last_at) as wrong,
    min(e.sequence) filter (where e.balance - e.pending_out < a.lower_bound or e.balance + e.pending_in > a.upper_bound
      or e.pending_in < 0 or e.pending_out < 0) as beyond,
    max(e.balance) filter (where e.sequence = e.high) as balance,
    max(e.pending_in) filter (where e.sequence = e.high) as pending_in,
    max(e.pending_out) filter (where e.sequence = e.high) as pending_out
  from (
    select e.*, p.low, p.high,
      coalesce(lag(e.sequence) over account, 0) as last_sequence, coalesce(lag(e.balance) over account, 0) as last_balance,
      coalesce(lag(e.pending_in) over account, 0) as last_in, coalesce(lag(e.pending_out) over account, 0) as last_out,
      lag(e.at) over account as last_at
    from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as p(account_id, low, high)
    join ledger_entries e on e.account_id = p.account_id and e.sequence between p.low - 1 and p.high
    window account as (partition by e.account_id order by e.sequence)
  ) e
  join ledger_accounts a on a.account_id = e.account_id
  group by e.account_id`;

/** Checks every open account. Returns how many. */
export async function verifyAccounts(
  database: Database,
  findings: Findings,
  onProgress: (progress: LedgerProgress) => void,
): Promise<number> {
  const [counted] = await database.query<{ total: number }>('select count(*) as total from ledger_accounts');
  const total = counted?.total ?? 0;
  let done = 0;
  for (let last = '00000000-0000-0000-0000-000000000000'; ;) {
    const accounts = await database.query<AccountRow>(
      `select account_id, entries, balance, pending_in, pending_out from ledger_accounts
       where account_id > $1 order by account_id limit $2`,
      [last, PAGE_ACCOUNTS],
    );
    if (accounts.length === 0) break;
    for (const step of stepsOf(accounts)) await verifyStep(database, step, findings);
    last = accounts.at(-1)!.account_id;
    done += accounts.length;
    onProgress({ step: 'accounts', done: Math.min(done, total), total });
  }
  await verifyTrialBalance(database, findings);
  return done;
}

/** Parts of accounts, in steps of bounded size; an account has at most one part in a step. */
function* stepsOf(accounts: readonly AccountRow[]): Generator<Part[]> {
  let step: Part[] = [];
  let size = 0;
  for (const account of accounts) {
    if (account.entries === 0) step.push({ account, low: 1, high: 0 });
    for (let low = 1; low <= account.entries; low += STEP_ENTRIES) {
      const high = Math.min(account.entries, low + STEP_ENTRIES - 1);
      if (step.length > 0 && size + high - low + 1 > STEP_ENTRIES) {
        yield step;
        step = [];
        size = 0;
      }
      step.push({ account, low, high });
      size += high - low + 1;
    }
  }
  if (step.length > 0) yield step;
}

async function verifyStep(database: Database, parts: readonly Part[], findings: Findings): Promise<void> {
  const rows = await database.query<PartRow>(ENTRIES, [
    parts.map(({ account }) => account.account_id),
    parts.map(({ low }) => low),
    parts.map(({ high }) => high),
  ]);
  const found = new Map(rows.map((row) => [row.account_id, row]));
  for (const part of parts) verifyPart(part, found.get(part.account.account_id) ?? NO_ENTRIES, findings);
}

function verifyPart({ account, low, high }: Part, row: PartRow, findings: Findings): void {
  const subject = `account ${account.account_id}`;
  if (row.count !== high - low + 1) findings.add('balance', subject, `entries are missing between ${low} and ${high}`);
  if (row.wrong !== null)
    findings.add('balance', `${subject} entry ${row.wrong}`, 'does not follow from the entry before it');
  if (row.beyond !== null)
    findings.add('bound', `${subject} entry ${row.beyond}`, 'leaves the account beyond its bounds');
  if (high < account.entries) return;
  const after = [row.balance ?? 0, row.pending_in ?? 0, row.pending_out ?? 0];
  const says = [account.balance, account.pending_in, account.pending_out];
  if (after.some((amount, index) => BigInt(amount) !== BigInt(says[index]!)))
    findings.add('balance', subject, `says ${says.join(', ')} where its entries come to ${after.join(', ')}`);
}

async function verifyTrialBalance(database: Database, findings: Findings): Promise<void> {
  const rows = await database.query<{ unit: string; balance: string; pending: string }>(
    `select unit, sum(balance)::text as balance, (sum(pending_in) - sum(pending_out))::text as pending from ledger_accounts
     group by unit having sum(balance) <> 0 or sum(pending_in) <> sum(pending_out)`,
  );
  for (const { unit, balance, pending } of rows)
    findings.add('sum-zero', `all accounts in ${unit}`, `balances sum to ${balance}, what is pending to ${pending}`);
}
