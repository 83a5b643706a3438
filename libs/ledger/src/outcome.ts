// What became of a journal, read from the rows of `ledger_post`.
import { assert, err, ok, type Result } from '@gravity/kernel';
import type { LedgerCommand } from './commands';

/** A journal that stands in the ledger. */
export interface Posted {
  readonly id: string;
  /** When it was decided, by Postgres' clock. */
  readonly at: Date;
  /** Of a reservation. */
  readonly expiresAt?: Date;
  /** It stood there before: this is the first result again. */
  readonly replayed: boolean;
}

/** Why a journal was refused. A refused journal leaves nothing behind, and its id stays free. */
export type LedgerRefusal =
  /** `available` is what the account could still give (`lower`) or take (`upper`) at that moment. */
  | {
      readonly code: 'bound-exceeded';
      readonly accountId: string;
      readonly bound: 'lower' | 'upper';
      readonly available: bigint;
    }
  | { readonly code: 'unknown-account'; readonly accountId: string }
  /** The legs in the unit of this account do not sum to zero. */
  | { readonly code: 'unbalanced'; readonly accountId: string }
  /** The id stands for another journal. */
  | { readonly code: 'id-conflict'; readonly id: string }
  | { readonly code: 'unknown-journal'; readonly id: string }
  /** Only reservations are committed or voided, only posted amounts are reversed. */
  | { readonly code: 'wrong-kind'; readonly id: string }
  | { readonly code: 'expired'; readonly id: string; readonly expiresAt: Date }
  /** By this journal, which may stand in the place of a reservation that was given up before it arrived. */
  | { readonly code: 'already-resolved'; readonly by: string; readonly as: 'committed' | 'voided' }
  | { readonly code: 'already-reversed'; readonly by: string }
  /** A partial commit names an account, a direction or an amount that is not in the reservation. */
  | { readonly code: 'exceeds-reservation'; readonly accountId: string };

export type LedgerResult = Result<Posted, LedgerRefusal>;

/** A row of `ledger_post`. */
export interface OutcomeRow {
  readonly ordinal: number;
  readonly outcome: string;
  readonly account_id: string | null;
  readonly available: number | bigint | null;
  readonly journal_id: string | null;
  readonly kind: string | null;
  readonly at: Date | null;
  readonly expires_at: Date | null;
}

/** One result for each command, at its own index. */
export function resultsOf(commands: readonly LedgerCommand[], rows: readonly OutcomeRow[]): LedgerResult[] {
  const head = rows.find(({ ordinal }) => ordinal === 0);
  assert(head !== undefined && head.at !== null && head.expires_at !== null, 'ledger_post did not tell its time');
  const special = new Map(rows.map((row) => [row.ordinal, row]));
  const { at, expires_at: now } = head;
  return commands.map((command, index) => {
    const row = special.get(index + 1);
    if (row !== undefined) return resultOf(command, row);
    const expiry = command.kind === 'RESERVE' ? { expiresAt: new Date(now.getTime() + command.ttlMs) } : {};
    return ok({ id: command.id, at, replayed: false, ...expiry });
  });
}

function resultOf(command: LedgerCommand, row: OutcomeRow): LedgerResult {
  const id = row.journal_id ?? command.id;
  const accountId = row.account_id ?? '';
  switch (row.outcome) {
    case 'REPLAYED': {
      const expiry = row.expires_at !== null && command.kind === 'RESERVE' ? { expiresAt: row.expires_at } : {};
      return ok({ id: command.id, at: row.at!, replayed: true, ...expiry });
    }
    case 'BELOW_LOWER':
    case 'ABOVE_UPPER': {
      const bound = row.outcome === 'BELOW_LOWER' ? 'lower' : 'upper';
      return err({ code: 'bound-exceeded', accountId, bound, available: BigInt(row.available ?? 0) });
    }
    case 'UNKNOWN_ACCOUNT':
      return err({ code: 'unknown-account', accountId });
    case 'UNBALANCED':
      return err({ code: 'unbalanced', accountId });
    case 'EXCEEDS_RESERVATION':
      return err({ code: 'exceeds-reservation', accountId });
    case 'ID_CONFLICT':
      return err({ code: 'id-conflict', id });
    case 'UNKNOWN_JOURNAL':
      return err({ code: 'unknown-journal', id });
    case 'WRONG_KIND':
      return err({ code: 'wrong-kind', id });
    case 'EXPIRED':
      return err({ code: 'expired', id, expiresAt: row.expires_at! });
    case 'RESOLVED':
      return command.kind === 'REVERSE'
        ? err({ code: 'already-reversed', by: id })
        : err({ code: 'already-resolved', by: id, as: row.kind === 'COMMIT' ? 'committed' : 'voided' });
    default:
      throw new Error(`ledger_post answered ${row.outcome}`);
  }
}
