// What a check of the ledger says while it runs and at its end.

/** Everything that is checked, by what it proves. */
export const LEDGER_CHECKS = [
  /** Each batch has the hash of its rows and of the batch before it, and no batch is missing. */
  'hash-link',
  /** The legs of a journal sum to zero per unit, and so do all balances. */
  'sum-zero',
  /** Each leg has its entry and each entry its leg. */
  'entries',
  /** A journal is resolved or reversed at most once, by what may resolve or reverse it. */
  'resolution',
  /** Entries add up to what stands after them, and to the account. */
  'balance',
  /** No account was beyond its bounds after any entry. */
  'bound',
  /** What is pending are the open reservations. */
  'pending',
] as const;

export type LedgerCheck = (typeof LEDGER_CHECKS)[number];

/** One contradiction. */
export interface LedgerFinding {
  readonly check: LedgerCheck;
  /** Where: `journal …`, `account … entry 7`, `batch 12`. */
  readonly subject: string;
  readonly detail: string;
}

export interface LedgerProgress {
  readonly step: 'batches' | 'accounts' | 'reservations';
  readonly done: number;
  /** As known when the step began. */
  readonly total: number;
}

export interface LedgerReport {
  readonly ok: boolean;
  readonly batches: number;
  readonly journals: number;
  readonly entries: number;
  readonly accounts: number;
  readonly reservations: number;
  /** The first of them, at most 100. */
  readonly findings: readonly LedgerFinding[];
  /** All of them, by check. */
  readonly found: Readonly<Record<LedgerCheck, number>>;
  /** Of the heads of all chains. Kept elsewhere, it proves later that nothing before it was taken away. */
  readonly digest: string;
}

const FINDINGS_MAX = 100;

/** Collects findings and counts during one check. */
export class Findings {
  readonly first: LedgerFinding[] = [];
  readonly found = Object.fromEntries(LEDGER_CHECKS.map((check) => [check, 0])) as Record<LedgerCheck, number>;

  /** Adds one contradiction. */
  add(check: LedgerCheck, subject: string, detail: string): void {
    this.found[check] += 1;
    if (this.first.length < FINDINGS_MAX) this.first.push({ check, subject, detail });
  }
}
