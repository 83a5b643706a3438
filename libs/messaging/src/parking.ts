// Messages that could not be handled, and those of the same key that wait behind them. A message parked because of its
// own failure waits for an operator; one that only stands behind others (attempts = 0) goes on by itself once it is the
// first of its key.
import type { Database, Tx } from '@gravity/persistence';
import type { Incoming } from './incoming';

export type ParkedStatus = 'PARKED' | 'REPLAY' | 'DISCARDED' | 'REPLAYED';

export interface ParkedMessage {
  readonly id: number;
  readonly consumer: string;
  readonly eventId: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly type: string;
  readonly payload: string;
  readonly headers: Record<string, string>;
  readonly reason: string;
  readonly attempts: number;
  readonly status: ParkedStatus;
  readonly parkedAt: Date;
}

/** A message about to be parked. */
export interface Parking {
  readonly message: Incoming;
  readonly reason: string;
  /** 0 for a message that only waits behind others. */
  readonly attempts: number;
}

const LIST_MAX = 500;

export const PARKED_COLUMNS = `id, consumer, event_id as "eventId", topic, partition, "offset", key, type, payload,
  headers, reason, attempts, status, parked_at as "parkedAt"`;

const PARK = `
  insert into parked_messages (consumer, event_id, topic, partition, "offset", key, type, payload, headers, reason, attempts, status)
  select $1, m.event_id, m.topic, m.partition, m."offset", m.key, m.type, m.payload, m.headers::jsonb, m.reason, m.attempts, 'PARKED'
  from unnest($2::uuid[], $3::text[], $4::int[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::int[])
    with ordinality as m(event_id, topic, partition, "offset", key, type, payload, headers, reason, attempts, n)
  where not exists (select 1 from inbox i where i.consumer = $1 and i.event_id = m.event_id)
  order by m.n
  on conflict (consumer, event_id) do nothing
  returning 1`;

/** Parks messages in their order, except those already handled or parked. Returns how many. */
export async function park(tx: Tx, consumer: string, parkings: readonly Parking[]): Promise<number> {
  if (parkings.length === 0) return 0;
  const column = <T>(of: (parking: Parking) => T): T[] => parkings.map(of);
  const rows = await tx.query(PARK, [
    consumer,
    column(({ message }) => message.envelope.eventId),
    column(({ message }) => storable(message.envelope.topic)),
    column(({ message }) => message.envelope.partition),
    column(({ message }) => message.envelope.offset),
    column(({ message }) => (message.envelope.key === null ? null : storable(message.envelope.key))),
    column(({ message }) => storable(message.envelope.type)),
    column(({ message }) => storable(message.text)),
    column(({ message }) => storable(JSON.stringify(message.headers)).replaceAll('\\u0000', '\\ufffd')),
    column(({ reason }) => storable(reason)),
    column(({ attempts }) => attempts),
  ]);
  return rows.length;
}

/** Postgres text holds every character but NUL. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '\ufffd');
}

/** Parked messages, oldest first; `afterId` continues a list. At most 500 at a time. */
export async function listParked(
  database: Database,
  filter: { consumer?: string; status?: ParkedStatus; key?: string; afterId?: number; limit?: number } = {},
): Promise<ParkedMessage[]> {
  return database.query<ParkedMessage>(
    `select ${PARKED_COLUMNS} from parked_messages
     where ($1::text is null or consumer = $1) and ($2::text is null or status = $2) and ($3::text is null or key = $3)
       and id > $4
     order by id limit $5`,
    [
      filter.consumer ?? null,
      filter.status ?? null,
      filter.key ?? null,
      filter.afterId ?? 0,
      Math.min(filter.limit ?? LIST_MAX, LIST_MAX),
    ],
  );
}

/** What an operator picks: one event, all of one key, or everything a consumer has parked. */
export interface ParkedSelection {
  readonly consumer: string;
  readonly eventId?: string;
  readonly key?: string;
}

/** Marks parked messages to be handled again, in the order of their key. Returns how many were marked. */
export async function replayParked(database: Database, selection: ParkedSelection): Promise<number> {
  return mark(database, selection, 'REPLAY', ['PARKED']);
}

/** Gives parked messages up for good; those behind them go on. Returns how many were marked. */
export async function discardParked(database: Database, selection: ParkedSelection): Promise<number> {
  return mark(database, selection, 'DISCARDED', ['PARKED', 'REPLAY']);
}

async function mark(
  database: Database,
  selection: ParkedSelection,
  to: ParkedStatus,
  from: ParkedStatus[],
): Promise<number> {
  const rows = await database.query(
    `update parked_messages set status = $4, updated_at = now()
     where consumer = $1 and ($2::uuid is null or event_id = $2) and ($3::text is null or key = $3) and status = any($5)
     returning 1`,
    [selection.consumer, selection.eventId ?? null, selection.key ?? null, to, from],
  );
  return rows.length;
}
