// Which of these messages are new to a consumer? One statement per chunk, in the transaction of the effects.
import type { Database, Tx } from '@gravity/persistence';
import type { Incoming } from './incoming';

const PRUNE_BATCH = 5_000;
const PRUNE_BATCHES_MAX = 200;

// Parked messages count as seen whatever became of them. A key with waiting messages admits none: the newcomer has to
// queue up behind them. Two consumers that both hold a message (one of them not yet aware of a rebalance) meet at the
// primary key of the inbox: the second waits for the first one's commit, or takes over after its rollback.
const ADMIT = `
  with input as (
    select * from unnest($2::uuid[], $3::text[], $4::text[]) as i(event_id, topic, key)
  ), blocked as (
    select distinct p.topic, p.key from parked_messages p
    where p.consumer = $1 and p.status in ('PARKED', 'REPLAY') and p.topic = any($3) and p.key = any($4)
  ), fresh as (
    insert into inbox (consumer, event_id)
    select $1, i.event_id from input i
    where not exists (select 1 from blocked b where b.topic = i.topic and b.key = i.key)
      and not exists (select 1 from parked_messages p where p.consumer = $1 and p.event_id = i.event_id)
    on conflict do nothing
    returning event_id
  )
  select event_id::text as fresh, null as topic, null as key from fresh
  union all
  select null, topic, key from blocked`;

/** Messages sorted by what is to be done with them; their order is kept. */
export interface Admission {
  /** New: recorded in the inbox, to be handled now. */
  readonly fresh: Incoming[];
  /** Not new. */
  readonly seen: Incoming[];
  /** Behind parked messages of their key. */
  readonly blocked: Incoming[];
}

/** Identifies a key across topics; undefined for messages without a key, which wait for nobody. */
export function keyIdOf(topic: string, key: string | null): string | undefined {
  return key === null ? undefined : `${topic}\u0000${key}`;
}

/** Records new messages in the inbox and says which those are. */
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
 * Forgets events received before the given age, in bounded batches. The age must exceed the longest time after which
 * Kafka can still redeliver (the retention of the topics). Returns how many.
 */
export async function pruneInbox(database: Database, retention: { olderThanMs: number }): Promise<number> {
  let deleted = 0;
  for (let batch = 0; batch < PRUNE_BATCHES_MAX; batch += 1) {
    const rows = await database.query(
      `delete from inbox where ctid = any(array(
         select ctid from inbox where received_at < now() - $1 * interval '1 millisecond' order by received_at limit $2))
       returning 1`,
      [retention.olderThanMs, PRUNE_BATCH],
    );
    deleted += rows.length;
    if (rows.length < PRUNE_BATCH) break;
  }
  return deleted;
}
