export { Database, openDatabase } from './database';
export type { DatabaseOptions, Tx } from './database';
export { classifyDatabaseError, note, sqlState } from './database-error';
export { plannedAnew, serviceDatabaseUrl } from './database-url';
export { Leadership } from './leadership';
export { GroupCommit, QueueFullError } from './group-commit';
export { migrate, pendingMigrations } from './migrate';
export type { MigrationClass } from './migrate';
