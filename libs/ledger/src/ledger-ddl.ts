// What a service's migrations run to embed the ledger.
import { ledgerPost } from './ledger-post.sql';
import { ledgerTables } from './ledger-tables.sql';

/** Tables, triggers and functions of a ledger, for a migration of the service that embeds it. */
export function ledgerDdl(): readonly string[] {
  return [...ledgerTables, ledgerPost];
}
