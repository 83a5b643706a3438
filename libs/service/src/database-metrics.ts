// What a service's database pool tells at each scrape.
import { gaugeReadAtScrape } from '@gravity/observability';
import type { Database } from '@gravity/persistence';

const statements = gaugeReadAtScrape('sql_statements', 'SQL statements sent since the start');
const waiting = gaugeReadAtScrape('sql_connections_waited_for', 'Callers waiting for a connection');

/** Exports the counters of a service's database under the service's name. */
export function exportDatabaseMetrics(service: string, database: Database): void {
  statements(service, () => database.statements.count);
  waiting(service, () => database.pool.waiting);
}
