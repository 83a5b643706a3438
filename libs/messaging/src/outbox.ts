// Writes events to the outbox, and deletes published ones. The relay reads it.
import { assert } from '@gravity/kernel';
import { currentTraceparent } from '@gravity/observability';
import type { Database, Tx } from '@gravity/persistence';
import { EVENT_PAYLOAD_CHARS_MAX, type OutboxEvent } from './event';

const PRUNE_BATCH_MAX = 5_000;
const PRUNE_BATCHES_MAX = 200;

/** One array per column, for `unnest` in a statement of the caller. */
export interface OutboxColumns {
  readonly eventIds: string[];
  readonly topics: string[];
  readonly keys: string[];
  readonly types: string[];
  readonly payloads: string[];
  readonly traceparents: (string | null)[];
  /** Seconds since the epoch, for `to_timestamp`. */
  readonly occurredAt: number[];
}

/**
 * The statement that appends {@link outboxRows}: seven array parameters from `$first` on, in the order of
 * {@link OutboxColumns}. Usable as a CTE.
 */
export function outboxInsert(first = 1): string {
  const p = (offset: number): string => `$${first + offset}`;
  return `insert into outbox (event_id, topic, key, type, payload, traceparent, occurred_at)
    select e.event_id, e.topic, e.key, e.type, e.payload, e.traceparent, to_timestamp(e.occurred_at)
    from unnest(${p(0)}::uuid[], ${p(1)}::text[], ${p(2)}::text[], ${p(3)}::text[], ${p(4)}::text[], ${p(5)}::text[], ${p(6)}::float8[])
      as e(event_id, topic, key, type, payload, traceparent, occurred_at)`;
}

const INSERT = outboxInsert();

/** The events as column arrays, in their order. */
export function outboxRows(events: readonly OutboxEvent[]): OutboxColumns {
  const columns: OutboxColumns = {
    eventIds: [],
    topics: [],
    keys: [],
    types: [],
    payloads: [],
    traceparents: [],
    occurredAt: [],
  };
  const active = currentTraceparent() ?? null;
  for (const event of events) {
    assert(
      event.payload.length <= EVENT_PAYLOAD_CHARS_MAX,
      `${event.type}: payload of ${event.payload.length} characters`,
    );
    columns.eventIds.push(event.eventId);
    columns.topics.push(event.topic);
    columns.keys.push(event.key);
    columns.types.push(event.type);
    columns.payloads.push(event.payload);
    columns.traceparents.push(event.traceparent ?? active);
    columns.occurredAt.push(event.occurredAtMs / 1_000);
  }
  return columns;
}

/** The parameters of {@link outboxInsert}. */
export function outboxParams(columns: OutboxColumns): unknown[] {
  const { eventIds, topics, keys, types, payloads, traceparents, occurredAt } = columns;
  return [eventIds, topics, keys, types, payloads, traceparents, occurredAt];
}

/**
 * Appends events in the transaction of their cause. The caller must hold the lock of each event's aggregate (or be
 * creating it): the lock makes outbox ids ascend within a key.
 */
export async function appendToOutbox(tx: Pick<Tx, 'query'>, events: readonly OutboxEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.query(INSERT, outboxParams(outboxRows(events)), 'outbox-append');
}

/**
 * Deletes published events older than the retention, in bounded batches. Returns the number of rows; at the bound, a
 * later call deletes the rest.
 */
export async function pruneOutbox(
  database: Database,
  retention: { olderThanMs: number; relay?: string },
): Promise<number> {
  let deleted = 0;
  // Each batch starts behind the last one: the scan skips the dead rows at the head of the index.
  let from = 0;
  for (let batch = 0; batch < PRUNE_BATCHES_MAX; batch += 1) {
    const rows = await database.query<{ id: number }>(
      `delete from outbox where id in (
         select id from outbox
         where id > $1
           and id <= coalesce((select position from outbox_cursor where relay = $2), 0)
           and created_at < now() - $3 * interval '1 millisecond'
         order by id limit $4)
       returning id`,
      [from, retention.relay ?? DEFAULT_RELAY, retention.olderThanMs, PRUNE_BATCH_MAX],
    );
    deleted += rows.length;
    if (rows.length < PRUNE_BATCH_MAX) break;
    from = rows.reduce((highest, row) => Math.max(highest, row.id), from);
  }
  return deleted;
}

/** The name of a database's relay, unless an option names another. */
export const DEFAULT_RELAY = 'main';
