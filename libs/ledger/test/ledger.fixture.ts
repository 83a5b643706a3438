// A database with a ledger and nothing else, for specs.
import { newUuid } from '@gravity/kernel';
import { type Database, openDatabase } from '@gravity/persistence';
import { freshDatabase } from '@gravity/testing';
import {
  type Account,
  type Balances,
  Ledger,
  type LedgerCommand,
  ledgerDdl,
  type LedgerResult,
  type Leg,
} from '../src';

/** Specs ask for more connections at once than there are, on machines that are busy. */
const PATIENCE_MS = 30_000;

export interface LedgerScene {
  readonly url: string;
  readonly database: Database;
  readonly ledger: Ledger;
  /** Opens accounts of unit CNY unless told otherwise, of owners that no other test has. */
  open(...accounts: readonly Partial<Account>[]): Promise<string[]>;
  /** Decides commands in one transaction. */
  decide(...commands: readonly LedgerCommand[]): Promise<LedgerResult[]>;
  /** Decides one command in a transaction of its own. */
  one(command: LedgerCommand): Promise<LedgerResult>;
  /** The balances of these accounts in their order. */
  balances(...accountIds: readonly string[]): Promise<Balances[]>;
  /** Ends everything. */
  close(): Promise<void>;
}

/** Creates the database and a ledger on a pool of so many connections. */
export async function ledgerScene(name: string, poolSize = 8): Promise<LedgerScene> {
  const fresh = await freshDatabase(name);
  const database = openDatabase({
    url: fresh.url,
    applicationName: 'spec',
    poolSize,
    connectionTimeoutMs: PATIENCE_MS,
  });
  for (const statement of ledgerDdl()) await database.query(statement);
  const ledger = new Ledger(database, { service: 'spec' });
  const decide = (...commands: readonly LedgerCommand[]): Promise<LedgerResult[]> =>
    database.transaction((tx) => ledger.execute(tx, commands));
  return {
    decide,
    one: async (command) => (await decide(command))[0]!,
    balances: async (...accountIds) => {
      const found = await ledger.balances(database, accountIds);
      return accountIds.map((id) => found.get(id)!);
    },
    url: fresh.url,
    database,
    ledger,
    open: async (...accounts) => {
      const named = accounts.map((account) => ({ type: 'test', owner: newUuid(), unit: 'CNY', ...account }));
      const results = await database.transaction((tx) => ledger.openAccounts(tx, named));
      return results.map((result) => {
        if (!result.ok) throw new Error(JSON.stringify(result.error));
        return result.value;
      });
    },
    close: async () => {
      await ledger.drain();
      await database.close();
      await fresh.drop();
    },
  };
}

/** Legs that move an amount from one account to another. */
export function move(from: string, to: string, amount: bigint): Leg[] {
  return [
    { accountId: from, amount: -amount },
    { accountId: to, amount },
  ];
}

/** The code of a refusal, or what an acceptance is called. */
export function codeOf(result: LedgerResult): string {
  return result.ok ? (result.value.replayed ? 'replayed' : 'accepted') : result.error.code;
}
