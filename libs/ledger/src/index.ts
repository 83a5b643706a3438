export { accountIdOf } from './accounts';
export type { Account, AccountDiffers, AccountName, Balances } from './accounts';
export type { Commit, LedgerCommand, Leg, Post, Reserve, Reverse, Void } from './commands';
export type { Journal, JournalKind, StatementLine } from './history';
export { Ledger } from './ledger';
export type { LedgerOptions } from './ledger';
export { ledgerDdl } from './ledger-ddl';
export type { LedgerRefusal, LedgerResult, Posted } from './outcome';
