// The ledger of one service: journals inside the service's own transactions, or in batches that are committed by themselves.
import type { Result } from '@gravity/kernel';
import { type Database, GroupCommit, type Tx } from '@gravity/persistence';
import {
  type Account,
  type AccountDiffers,
  type Balances,
  openAccounts,
  type Runner,
  readBalances,
  readBalancesAt,
} from './accounts';
import {
  type Commit,
  independentParts,
  lockArguments,
  LEDGER_BATCH_MAX,
  type LedgerCommand,
  type Post,
  postArguments,
  type Reserve,
  type Reverse,
  type Void,
} from './commands';
import { type Journal, readExpired, readJournals, readStatement, type StatementLine } from './history';
import { countBatch, countResults } from './metrics';
import { type LedgerResult, type OutcomeRow, resultsOf } from './outcome';

const QUEUE_MAX = 4_096;

// Does not begin as a SELECT: it writes, so a lost connection leaves its outcome unknown.
const POST = `/* writes */ select * from ledger_post($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::text[],
  $7::int[], $8::uuid[], $9::int[], $10::int[], $11::uuid[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16)`;

/** Before several calls of one transaction: every account that any of them locks, in one order. */
const LOCK = `select 1 from ledger_accounts where account_id = any(array(
    select unnest($1::uuid[]) union select unnest(accounts) from ledger_journals where journal_id = any($2::uuid[])))
  order by account_id for no key update`;

export interface LedgerOptions {
  /** Label of the metrics. */
  readonly service: string;
  /** Journals decided by one statement, at most 256. Default 256. */
  readonly batchMax?: number;
  /** Journals that may wait for a batch; more are refused with `QueueFullError`. Default 4,096. */
  readonly queueMax?: number;
}

/** A command without its kind. */
type Of<C extends LedgerCommand> = Omit<C, 'kind'>;

/**
 * Journals of one service. What takes a `Tx` happens with that transaction; what only reads takes the database too. All journals of a transaction belong into one
 * {@link Ledger.execute}, which locks their accounts in one order; two calls may meet another transaction in a deadlock, so give
 * the transaction `retries`. Rows of the service are locked before the ledger is called.
 */
export class Ledger {
  private readonly commits: GroupCommit<LedgerCommand, LedgerResult>;

  constructor(
    private readonly database: Database,
    private readonly options: LedgerOptions,
  ) {
    this.commits = new GroupCommit<LedgerCommand, LedgerResult>({
      name: `${options.service} ledger`,
      batchMax: Math.min(options.batchMax ?? LEDGER_BATCH_MAX, LEDGER_BATCH_MAX),
      queueMax: options.queueMax ?? QUEUE_MAX,
      idempotent: true,
      execute: (batch) => this.executeAlone(batch),
      onBatch: ({ size }) => countBatch(options.service, size),
    });
  }

  /** Opens accounts; those that are open already stay. One result for each, with its id. */
  openAccounts(tx: Tx, accounts: readonly Account[]): Promise<Result<string, AccountDiffers>[]> {
    return openAccounts(tx, accounts);
  }

  /** Decides commands in their order inside the transaction; one result for each. A refusal rolls nothing back. */
  execute(tx: Tx, commands: readonly LedgerCommand[]): Promise<LedgerResult[]> {
    return this.run(tx, commands);
  }

  /**
   * Decides one command in the next batch of this process, which is committed by itself. Safe to repeat with the same id after
   * any failure. Rejects with `QueueFullError` when too many wait.
   */
  submit(command: LedgerCommand): Promise<LedgerResult> {
    return this.commits.submit(command);
  }

  /** Moves amounts at once. */
  post(tx: Tx, command: Of<Post>): Promise<LedgerResult> {
    return this.one(tx, { kind: 'POST', ...command });
  }

  /** Sets amounts aside until they are committed or voided. */
  reserve(tx: Tx, command: Of<Reserve>): Promise<LedgerResult> {
    return this.one(tx, { kind: 'RESERVE', ...command });
  }

  /** Posts a reservation, whole or in part; what is not posted is given back. */
  commit(tx: Tx, command: Of<Commit>): Promise<LedgerResult> {
    return this.one(tx, { kind: 'COMMIT', ...command });
  }

  /** Gives a reservation back, or refuses it beforehand with `tombstone`. */
  void(tx: Tx, command: Of<Void>): Promise<LedgerResult> {
    return this.one(tx, { kind: 'VOID', ...command });
  }

  /** Posts the opposite of a journal. */
  reverse(tx: Tx, command: Of<Reverse>): Promise<LedgerResult> {
    return this.one(tx, { kind: 'REVERSE', ...command });
  }

  /** Where these accounts stand; those that are not open are missing. */
  balances(from: Runner, accountIds: readonly string[]): Promise<Map<string, Balances>> {
    return readBalances(from, accountIds);
  }

  /**
   * Where these accounts stood at a time that has passed. The answer is final, so it waits for transactions that are posting to
   * them, and later ones wait for this transaction.
   */
  balancesAt(tx: Tx, accountIds: readonly string[], at: Date): Promise<Map<string, Balances>> {
    return readBalancesAt(tx, accountIds, at);
  }

  /** A page of an account's entries, oldest first, from behind `after` on; a page has at most 1,000. */
  statement(
    from: Runner,
    accountId: string,
    page: { readonly after?: bigint; readonly limit: number },
  ): Promise<StatementLine[]> {
    return readStatement(from, accountId, page);
  }

  /** Journals by id, with what has resolved or reversed them. */
  journals(from: Runner, ids: readonly string[]): Promise<Map<string, Journal>> {
    return readJournals(from, ids);
  }

  /**
   * Open reservations whose time is over, the oldest first. They can no longer be committed, and hold their amounts until they
   * are voided: by a loop of the service, which first asks the owner of what they are for.
   */
  expired(from: Runner, limit: number): Promise<Journal[]> {
    return readExpired(from, limit);
  }

  /** Resolves when everything submitted has its result. */
  drain(): Promise<void> {
    return this.commits.drain();
  }

  private async one(tx: Tx, command: LedgerCommand): Promise<LedgerResult> {
    const [result] = await this.run(tx, [command]);
    return result!;
  }

  private executeAlone(batch: readonly LedgerCommand[]): Promise<LedgerResult[]> {
    const alone = independentParts(batch).length === 1;
    return alone ? this.run(this.database, batch) : this.database.transaction((tx) => this.run(tx, batch));
  }

  private async run(runner: Runner, commands: readonly LedgerCommand[]): Promise<LedgerResult[]> {
    const parts = independentParts(commands);
    const held = parts.length > 1;
    if (held) await runner.query(LOCK, lockArguments(commands));
    const results: LedgerResult[] = [];
    for (const part of parts) {
      const rows = await runner.query<OutcomeRow>(POST, [...postArguments(part), held], 'ledger-post');
      results.push(...resultsOf(part, rows));
    }
    countResults(this.options.service, commands, results);
    return results;
  }
}
