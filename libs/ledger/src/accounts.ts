// Accounts: opened once under an id that follows from what they are, read as they are or as of an earlier time.
import { err, ok, type Result, uuidFromParts } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import { LEDGER_AMOUNT_MAX } from './ledger-tables.sql';

/** What an account is. There is one account of these three. */
export interface AccountName {
  /** Its place in the chart of accounts, for instance `subsidy-budget`. */
  readonly type: string;
  /** The owner, for instance `mer_…` or `platform`. */
  readonly owner: string;
  /** A currency, or a unit such as `IMPRESSION`. Journals balance per unit. */
  readonly unit: string;
}

export interface Account extends AccountName {
  /** The balance less what is held to go out never falls below it; zero or less. Default: none. */
  readonly lowerBound?: bigint | undefined;
  /** The balance and what is expected to come in never rise above it; zero or more. Default: none. */
  readonly upperBound?: bigint | undefined;
}

/** The account was opened before with other bounds. */
export interface AccountDiffers {
  readonly code: 'account-differs';
  readonly accountId: string;
}

/** Where an account stands. Amounts are in its minor units. */
export interface Balances {
  readonly accountId: string;
  readonly posted: bigint;
  /** Reserved to come in, and to go out. */
  readonly pendingIn: bigint;
  readonly pendingOut: bigint;
  /** What may still go out and what may still come in; undefined without a bound. */
  readonly available: bigint | undefined;
  readonly room: bigint | undefined;
  /** How many entries it has: the number of the last one. */
  readonly entries: bigint;
}

interface BalanceRow {
  readonly account_id: string;
  readonly lower_bound: number | bigint;
  readonly upper_bound: number | bigint;
  readonly entries: number | bigint;
  readonly balance: number | bigint;
  readonly pending_in: number | bigint;
  readonly pending_out: number | bigint;
}

/** The id of an account, known without asking the database. */
export function accountIdOf({ type, owner, unit }: AccountName): string {
  return uuidFromParts('ledger-account', type, owner, unit);
}

/** What runs a statement: a transaction, or the database itself. */
export type Runner = Pick<Tx, 'query'>;

/** Opens accounts that are not yet there; answers for each at its index. */
export async function openAccounts(tx: Tx, accounts: readonly Account[]): Promise<Result<string, AccountDiffers>[]> {
  const wanted = accounts.map((account) => ({
    id: accountIdOf(account),
    lower: account.lowerBound ?? -LEDGER_AMOUNT_MAX,
    upper: account.upperBound ?? LEDGER_AMOUNT_MAX,
  }));
  // In the order of the ids: two processes that open the same accounts wait for each other, and neither for ever.
  await tx.query(
    `insert into ledger_accounts (account_id, type, owner, unit, lower_bound, upper_bound)
     select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) as a(id) order by a.id
     on conflict do nothing`,
    [
      wanted.map(({ id }) => id),
      accounts.map(({ type }) => type),
      accounts.map(({ owner }) => owner),
      accounts.map(({ unit }) => unit),
      wanted.map(({ lower }) => lower),
      wanted.map(({ upper }) => upper),
    ],
  );
  const rows = await readRows(
    tx,
    wanted.map(({ id }) => id),
  );
  return wanted.map(({ id, lower, upper }) => {
    const row = rows.get(id)!;
    const same = BigInt(row.lower_bound) === lower && BigInt(row.upper_bound) === upper;
    return same ? ok(id) : err({ code: 'account-differs', accountId: id });
  });
}

/** The balances of these accounts by id; those that are not open are missing. */
export async function readBalances(from: Runner, accountIds: readonly string[]): Promise<Map<string, Balances>> {
  return toBalances(await readRows(from, accountIds));
}

/**
 * The balances as they were at a time that has passed. Waits for transactions that are posting to these accounts, and they for
 * the end of this one: what it answers is final.
 */
export async function readBalancesAt(tx: Tx, accountIds: readonly string[], at: Date): Promise<Map<string, Balances>> {
  await tx.query('select 1 from ledger_accounts where account_id = any($1::uuid[]) order by account_id for share', [
    accountIds,
  ]);
  const rows = await tx.query<BalanceRow>(
    `select a.account_id, a.lower_bound, a.upper_bound, at.sequence as entries, coalesce(e.balance, 0) as balance,
            coalesce(e.pending_in, 0) as pending_in, coalesce(e.pending_out, 0) as pending_out
     from ledger_accounts a
     cross join lateral ledger_entry_at(a.account_id, least($2::timestamptz, clock_timestamp())) as at(sequence)
     left join ledger_entries e on e.account_id = a.account_id and e.sequence = at.sequence
     where a.account_id = any($1::uuid[])`,
    [accountIds, at],
  );
  return toBalances(new Map(rows.map((row) => [row.account_id, row])));
}

async function readRows(from: Runner, accountIds: readonly string[]): Promise<Map<string, BalanceRow>> {
  const rows = await from.query<BalanceRow>(
    `select account_id, lower_bound, upper_bound, entries, balance, pending_in, pending_out
     from ledger_accounts where account_id = any($1::uuid[])`,
    [accountIds],
    'ledger-balances',
  );
  return new Map(rows.map((row) => [row.account_id, row]));
}

function toBalances(rows: ReadonlyMap<string, BalanceRow>): Map<string, Balances> {
  return new Map([...rows].map(([id, row]) => [id, balancesOf(row)]));
}

function balancesOf(row: BalanceRow): Balances {
  const [posted, pendingIn, pendingOut] = [BigInt(row.balance), BigInt(row.pending_in), BigInt(row.pending_out)];
  const [lower, upper] = [BigInt(row.lower_bound), BigInt(row.upper_bound)];
  return {
    accountId: row.account_id,
    posted,
    pendingIn,
    pendingOut,
    available: lower === -LEDGER_AMOUNT_MAX ? undefined : posted - pendingOut - lower,
    room: upper === LEDGER_AMOUNT_MAX ? undefined : upper - posted - pendingIn,
    entries: BigInt(row.entries),
  };
}
