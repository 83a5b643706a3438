// The rows of the fault matrix, with the kinds of faults of each.

/** One row: an event, and the kinds of faults that cause it. */
export interface MatrixRow {
  readonly title: string;
  readonly kinds: readonly string[];
}

const row = (title: string, ...kinds: string[]): MatrixRow => ({ title, kinds });

/** Every kind is in exactly one row. */
export const MATRIX: readonly MatrixRow[] = [
  row('`kill -9` of a process of ours', 'orders-kill', 'provider-kill', 'catalog-kill'),
  row('SIGSTOP, then SIGCONT', 'orders-freeze', 'provider-freeze'),
  row('Event loop stalled for 50 to 300 ms, again and again', 'orders-stutter'),
  row('SIGTERM under load', 'orders-restart'),
  row('Wall clock jumps by up to ten minutes', 'clock-jump'),
  row('Connections cut, at any moment', 'redis-cut', 'postgres-cut', 'http-cut', 'network-blink'),
  row('Cut before or after the commit', 'postgres-before-commit', 'postgres-after-commit'),
  row('Cut before or after a script', 'redis-before-script', 'redis-after-script'),
  row('Slow links', 'redis-slow', 'postgres-slow', 'http-slow', 'kafka-slow'),
  row('Half-open links', 'redis-half-open', 'postgres-half-open', 'http-half-open'),
  row('Connections refused', 'redis-refused', 'postgres-refused', 'http-refused'),
  row('Redis killed, frozen, emptied', 'redis-kill', 'redis-freeze', 'redis-flush'),
  row('Redis rolled back to an old snapshot', 'redis-rewind'),
  row('Redis failed over to a lagging replica', 'redis-failover'),
  row('Two Redis primaries at once', 'redis-two-primaries'),
  row('Redis full (OOM)', 'redis-full'),
  row('Postgres killed, restarted, frozen', 'postgres-kill', 'postgres-restart', 'postgres-freeze'),
  row('Postgres failed over to a synchronous standby', 'postgres-failover'),
  row('No space left on the disk of Postgres', 'postgres-disk-full'),
  row('No connection to Postgres left', 'postgres-connections'),
  row('Lock and statement timeouts, deadlocks', 'postgres-locks', 'postgres-deadlock'),
  row('Serialization failures', 'postgres-serializable'),
  row('Kafka killed, frozen, out of reach', 'kafka-kill', 'kafka-freeze', 'kafka-unreachable'),
  row('Consumers rebalanced', 'consumer-rebalance'),
  row('A topic delivered again from its beginning', 'consumer-replay'),
  row('Poison messages', 'consumer-poison'),
  row('Slow handlers', 'consumer-slow'),
  row(
    'Payment provider away, slow or half open',
    'provider-cut',
    'provider-slow',
    'provider-half-open',
    'provider-refused',
  ),
  row(
    'Callbacks late, repeated, out of order',
    'callback-cut',
    'callback-slow',
    'callback-half-open',
    'callback-refused',
  ),
];
