// Tables of this library in a service's database, for the service's migrations. A released migration keeps its text: a
// table that changes here needs a migration in every service that has it.

/**
 * The outbox and the relay's cursor. `xid` stands before `id` on purpose: column defaults are computed in that order,
 * so a transaction always has its transaction id before it draws an outbox id. The relay's proof that a missing id is
 * dead depends on it (outbox-gaps.ts).
 */
export function outboxDdl(): string {
  return `
    create table outbox (
      xid xid8 not null default pg_current_xact_id(),
      id bigint generated always as identity (cache 1) primary key,
      event_id uuid not null,
      topic text not null,
      key text not null,
      type text not null,
      payload text not null,
      traceparent text,
      occurred_at timestamptz not null,
      created_at timestamptz not null default now()
    );
    create table outbox_cursor (
      relay text primary key,
      position bigint not null,
      updated_at timestamptz not null default now()
    );`;
}

/** Ids of events that a consumer has applied. The row is written in the transaction of the effect. */
export function inboxDdl(): string {
  return `
    create table inbox (
      consumer text not null,
      event_id uuid not null,
      received_at timestamptz not null default now(),
      primary key (consumer, event_id)
    );
    create index inbox_received_at on inbox (received_at);`;
}

/**
 * Dead letters: messages whose attempts failed, and later messages of their keys, which wait behind them. `PARKED` is
 * the status of a dead letter that waits; processes of earlier releases filter by that value, so it keeps its name.
 */
export function deadLettersDdl(): string {
  return `
    create table dead_letters (
      id bigint generated always as identity primary key,
      consumer text not null,
      event_id uuid not null,
      topic text not null,
      partition integer not null,
      "offset" bigint not null,
      key text,
      type text not null,
      payload text not null,
      headers jsonb not null,
      reason text not null,
      attempts integer not null,
      status text not null check (status in ('PARKED', 'REPLAY', 'DISCARDED', 'REPLAYED')),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      unique (consumer, event_id)
    );
    create index dead_letters_waiting on dead_letters (consumer, topic, key, id) where status in ('PARKED', 'REPLAY');`;
}
