// Finds the messages that are new to a consumer and records them: one statement per chunk, in the transaction of the
// effects.
import type { Database, Tx } from '@gravity/persistence';
import type { Incoming } from './incoming';

const PRUNE_BATCH_MAX = 5_000;
const PRUNE_BATCHES_MAX = 200;

// Dead letters of any status count as seen. A key with waiting dead letters admits no message: a new one waits behind
// them. Two consumers may hold the same message, when one of them has not yet noticed a rebalance. The primary key of
// the inbox decides: the second one waits for the first one's commit, or takes over after its rollback.
const ADMIT = `
  with input as (
    select * from unnest($2::uuid[], $3::text[], $4::text[]) as i(event_id, topic, key)
  ), blocked as (
    select distinct d.topic, d.key from dead_letters d
    where d.consumer = $1 and d.status in ('PARKED', 'REPLAY') and d.topic = any($3) and d.key = any($4)
  ), fresh as (
    insert into inbox (consumer, event_id)
    select $1, i.event_id from input i
    where not exists (select 1 from blocked b where b.topic = i.topic and b.key = i.key)
      and not exists (select 1 from dead_letters d where d.consumer = $1 and d.event_id = i.event_id)
    on conflict do nothing
    returning event_id
  )
  select event_id::text as fresh, null as topic, null as key from fresh
  union all
  select null, topic, key from blocked`;

/** The messages of a chunk, sorted by what happens next. Each list keeps their order. */
export interface Admission {
  /** New: recorded in the inbox, to be handled in this transaction. */
  readonly fresh: Incoming[];
  /** Applied before, or a dead letter. */
  readonly seen: Incoming[];
  /** Behind dead letters of their key. */
  readonly blocked: Incoming[];
}

/** Identifies a key across topics; undefined for messages without a key, which wait for no other message. */
export function keyIdOf(topic: string, key: string | null): string | undefined {
  return key === null ? undefined : `${topic}\u0000${key}`;
}

/** Records new messages in the inbox and returns all messages, sorted. Their order is kept. */
export async function admit(tx: Tx, consumer: string, messages: readonly Incoming[]): Promise<Admission> {
  const admission: Admission = { fresh: [], seen: [], blocked: [] };
  if (messages.length === 0) return admission;
  const rows = await tx.query<{ fresh: string | null; topic: string; key: string }>(
    ADMIT,
    [
      consumer,
      messages.map(({ envelope }) => envelope.eventId),
      messages.map(({ envelope }) => envelope.topic),
      messages.map(({ envelope }) => envelope.key),
    ],
    'inbox-admit',
  );
  const fresh = new Set<string>();
  const blockedKeys = new Set<string | undefined>();
  for (const row of rows) {
    if (row.fresh !== null) fresh.add(row.fresh);
    else blockedKeys.add(keyIdOf(row.topic, row.key));
  }
  for (const message of messages) {
    const { eventId, topic, key } = message.envelope;
    // The id is taken out of the set, so a message that comes twice in one chunk is new only once.
    if (fresh.delete(eventId)) admission.fresh.push(message);
    else if (key !== null && blockedKeys.has(keyIdOf(topic, key))) admission.blocked.push(message);
    else admission.seen.push(message);
  }
  return admission;
}

/**
 * Deletes ids of events received before the given age, in bounded batches. The age must exceed the longest time after
 * which Kafka can redeliver: the retention of the topics. Returns the number of rows.
 */
export async function pruneInbox(database: Database, retention: { olderThanMs: number }): Promise<number> {
  let deleted = 0;
  for (let batch = 0; batch < PRUNE_BATCHES_MAX; batch += 1) {
    const rows = await database.query(
      `delete from inbox where ctid = any(array(
         select ctid from inbox where received_at < now() - $1 * interval '1 millisecond' order by received_at limit $2))
       returning 1`,
      [retention.olderThanMs, PRUNE_BATCH_MAX],
    );
    deleted += rows.length;
    if (rows.length < PRUNE_BATCH_MAX) break;
  }
  return deleted;
}
