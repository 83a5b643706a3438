// Dead letters: messages whose attempts failed, and messages of the same key that wait behind them. A failed message
// waits for an operator. One that only waits behind others (attempts = 0) is handled when it is the first of its key.
import type { Database, Tx } from '@gravity/persistence';
import type { Incoming } from './incoming';

/** `PARKED` waits, `REPLAY` is marked to be handled again; the other two are final. */
export type DeadLetterStatus = 'PARKED' | 'REPLAY' | 'DISCARDED' | 'REPLAYED';

/** A stored dead letter. */
export interface StoredDeadLetter {
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
  readonly status: DeadLetterStatus;
  readonly createdAt: Date;
}

/** A message to be stored as a dead letter. */
export interface DeadLetter {
  readonly message: Incoming;
  readonly reason: string;
  /** 0 for a message that only waits behind others. */
  readonly attempts: number;
}

const LIST_MAX = 500;

export const DEAD_LETTER_COLUMNS = `id, consumer, event_id as "eventId", topic, partition, "offset", key, type, payload,
  headers, reason, attempts, status, created_at as "createdAt"`;

const INSERT = `
  insert into dead_letters (consumer, event_id, topic, partition, "offset", key, type, payload, headers, reason, attempts, status)
  select $1, m.event_id, m.topic, m.partition, m."offset", m.key, m.type, m.payload, m.headers::jsonb, m.reason, m.attempts, 'PARKED'
  from unnest($2::uuid[], $3::text[], $4::int[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::int[])
    with ordinality as m(event_id, topic, partition, "offset", key, type, payload, headers, reason, attempts, n)
  where not exists (select 1 from inbox i where i.consumer = $1 and i.event_id = m.event_id)
  order by m.n
  on conflict (consumer, event_id) do nothing
  returning 1`;

/**
 * Stores dead letters in their order, except messages that were handled or stored before. Returns the number stored.
 */
export async function insertDeadLetters(tx: Tx, consumer: string, letters: readonly DeadLetter[]): Promise<number> {
  if (letters.length === 0) return 0;
  const column = <T>(of: (letter: DeadLetter) => T): T[] => letters.map(of);
  const rows = await tx.query(INSERT, [
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

/** Postgres text holds every character except NUL. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '\ufffd');
}

/** Dead letters, oldest first; `afterId` continues a list. At most 500 per call. */
export async function listDeadLetters(
  database: Database,
  filter: { consumer?: string; status?: DeadLetterStatus; key?: string; afterId?: number; limit?: number } = {},
): Promise<StoredDeadLetter[]> {
  return database.query<StoredDeadLetter>(
    `select ${DEAD_LETTER_COLUMNS} from dead_letters
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

/** The choice of an operator: one event, one key, or all dead letters of a consumer. */
export interface DeadLetterSelection {
  readonly consumer: string;
  readonly eventId?: string;
  readonly key?: string;
}

/** Marks dead letters to be handled again, in the order of their key. Returns the number marked. */
export async function replayDeadLetters(database: Database, selection: DeadLetterSelection): Promise<number> {
  return mark(database, selection, 'REPLAY', ['PARKED']);
}

/** Discards dead letters for good. The messages that wait behind them are handled. Returns the number marked. */
export async function discardDeadLetters(database: Database, selection: DeadLetterSelection): Promise<number> {
  return mark(database, selection, 'DISCARDED', ['PARKED', 'REPLAY']);
}

async function mark(
  database: Database,
  selection: DeadLetterSelection,
  to: DeadLetterStatus,
  from: DeadLetterStatus[],
): Promise<number> {
  const rows = await database.query(
    `update dead_letters set status = $4, updated_at = now()
     where consumer = $1 and ($2::uuid is null or event_id = $2) and ($3::text is null or key = $3) and status = any($5)
     returning 1`,
    [selection.consumer, selection.eventId ?? null, selection.key ?? null, to, from],
  );
  return rows.length;
}
