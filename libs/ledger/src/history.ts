// What stands in the ledger: statements, journals by id, and the reservations whose time is over.
import { assert } from '@gravity/kernel';
import type { Runner } from './accounts';
import type { Leg } from './commands';

const PAGE_MAX = 1_000;

export type JournalKind = 'POST' | 'RESERVE' | 'COMMIT' | 'VOID' | 'REVERSE' | 'TOMBSTONE';

/** A journal as it was recorded. */
export interface Journal {
  readonly id: string;
  readonly kind: JournalKind;
  /** The reservation that it resolves, or the journal that it reverses. */
  readonly original: string | undefined;
  /** What it moves, sets aside or gives back. */
  readonly legs: readonly Leg[];
  readonly at: Date;
  readonly expiresAt: Date | undefined;
  readonly reference: string | undefined;
  readonly reason: string | undefined;
  /** The journal that has resolved or reversed this one. */
  readonly closedBy: string | undefined;
}

/** One line of a statement: what a journal did to the account, and where that left it. */
export interface StatementLine {
  /** 1, 2, 3 … without gaps. */
  readonly sequence: bigint;
  readonly journalId: string;
  readonly kind: JournalKind;
  readonly original: string | undefined;
  readonly reference: string | undefined;
  readonly reason: string | undefined;
  readonly at: Date;
  readonly posted: bigint;
  readonly heldIn: bigint;
  readonly heldOut: bigint;
  readonly balanceAfter: bigint;
  readonly pendingInAfter: bigint;
  readonly pendingOutAfter: bigint;
}

interface JournalRow {
  readonly journal_id: string;
  readonly kind: JournalKind;
  readonly original: string | null;
  readonly accounts: readonly string[];
  readonly amounts: readonly (number | bigint)[];
  readonly at: Date;
  readonly expires_at: Date | null;
  readonly reference: string | null;
  readonly reason: string | null;
  readonly closed_by: string | null;
}

type LineRow = Record<
  'sequence' | 'posted' | 'held_in' | 'held_out' | 'balance' | 'pending_in' | 'pending_out',
  number | bigint
> &
  Pick<JournalRow, 'journal_id' | 'kind' | 'original' | 'reference' | 'reason' | 'at'>;

const JOURNAL = `select j.journal_id, j.kind, j.original, j.accounts, j.amounts, j.at, j.expires_at, j.reference, j.reason,
  (select d.journal_id from ledger_journals d where d.original = j.journal_id) as closed_by`;

/** Journals by id; those that do not exist are missing. */
export async function readJournals(from: Runner, ids: readonly string[]): Promise<Map<string, Journal>> {
  const rows = await from.query<JournalRow>(`${JOURNAL} from ledger_journals j where j.journal_id = any($1::uuid[])`, [
    ids,
  ]);
  return new Map(rows.map((row) => [row.journal_id, journalOf(row)]));
}

/** Open reservations whose time is over by Postgres' clock, the oldest first, at most `limit` of them. */
export async function readExpired(from: Runner, limit: number): Promise<Journal[]> {
  assertPage(limit);
  const rows = await from.query<JournalRow>(
    `${JOURNAL} from ledger_reservations o join ledger_journals j on j.journal_id = o.journal_id
     where o.expires_at <= clock_timestamp() order by o.expires_at, o.journal_id limit $1`,
    [limit],
  );
  return rows.map(journalOf);
}

/** A page of an account's entries in their order, from behind `after` on, at most `limit` of them. */
export async function readStatement(
  from: Runner,
  accountId: string,
  { after = 0n, limit }: { readonly after?: bigint; readonly limit: number },
): Promise<StatementLine[]> {
  assertPage(limit);
  const rows = await from.query<LineRow>(
    `select e.sequence, e.journal_id, j.kind, j.original, j.reference, j.reason, e.at, e.posted, e.held_in, e.held_out,
            e.balance, e.pending_in, e.pending_out
     from ledger_entries e join ledger_journals j on j.journal_id = e.journal_id
     where e.account_id = $1 and e.sequence > $2 order by e.sequence limit $3`,
    [accountId, after, limit],
  );
  return rows.map(lineOf);
}

function assertPage(limit: number): void {
  assert(Number.isInteger(limit) && limit >= 1 && limit <= PAGE_MAX, `a page has 1 to ${PAGE_MAX} rows`);
}

function journalOf(row: JournalRow): Journal {
  return {
    id: row.journal_id,
    kind: row.kind,
    original: row.original ?? undefined,
    legs: row.accounts.map((accountId, index) => ({ accountId, amount: BigInt(row.amounts[index]!) })),
    at: row.at,
    expiresAt: row.expires_at ?? undefined,
    reference: row.reference ?? undefined,
    reason: row.reason ?? undefined,
    closedBy: row.closed_by ?? undefined,
  };
}

function lineOf(row: LineRow): StatementLine {
  return {
    sequence: BigInt(row.sequence),
    journalId: row.journal_id,
    kind: row.kind,
    original: row.original ?? undefined,
    reference: row.reference ?? undefined,
    reason: row.reason ?? undefined,
    at: row.at,
    posted: BigInt(row.posted),
    heldIn: BigInt(row.held_in),
    heldOut: BigInt(row.held_out),
    balanceAfter: BigInt(row.balance),
    pendingInAfter: BigInt(row.pending_in),
    pendingOutAfter: BigInt(row.pending_out),
  };
}
