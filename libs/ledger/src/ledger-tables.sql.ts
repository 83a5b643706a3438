// The tables of a ledger, for the first migration of the service that embeds it.
//
// Journals, entries and batches are append only: they refuse every change. Current values are kept beside them and can
// be recomputed from them: the balances of the accounts, the open reservations, the heads of the chains.

/** No amount and no balance goes beyond this, so that no sum over a batch leaves an int8. */
const AMOUNT_MAX = '10000000000000000';

/**
 * `available` and `room` in this library follow from one row: what may still go out is `balance - pending_out - lower_bound`,
 * what may still come in is `upper_bound - balance - pending_in`. A reservation is counted when it is made, so committing or
 * voiding it never crosses a bound. The CHECKs hold for any caller.
 */
const accounts = `
create table ledger_accounts (
  account_id uuid primary key,
  type text not null check (length(type) between 1 and 64),
  owner text not null check (length(owner) between 1 and 128),
  unit text not null check (length(unit) between 1 and 32),
  lower_bound bigint not null check (lower_bound between -${AMOUNT_MAX} and 0),
  upper_bound bigint not null check (upper_bound between 0 and ${AMOUNT_MAX}),
  opened_at timestamptz not null default clock_timestamp(),
  entries bigint not null default 0,
  balance bigint not null default 0,
  pending_in bigint not null default 0 check (pending_in >= 0),
  pending_out bigint not null default 0 check (pending_out >= 0),
  last_at timestamptz not null default '-infinity',
  unique (type, owner, unit),
  constraint ledger_lower_bound check (balance - pending_out >= lower_bound),
  constraint ledger_upper_bound check (balance + pending_in <= upper_bound)
) with (fillfactor = 50)`;

/**
 * `amounts` are signed, one per account, in the order of the accounts' ids: what a POST, COMMIT or REVERSE moves, what a RESERVE
 * sets aside, what a VOID gives back. `original` is the reservation that is resolved, or the journal that is reversed; it is
 * unique, so each is resolved or reversed at most once. A TOMBSTONE stands in the place of a reservation that was given up
 * before it arrived.
 */
const journals = `
create table ledger_journals (
  journal_id uuid primary key,
  kind text not null check (kind in ('POST', 'RESERVE', 'COMMIT', 'VOID', 'REVERSE', 'TOMBSTONE')),
  original uuid,
  accounts uuid[] not null,
  amounts bigint[] not null,
  ttl_ms bigint check (ttl_ms > 0),
  expires_at timestamptz,
  reference text,
  reason text,
  batch_id bigint not null,
  at timestamptz not null,
  check (cardinality(accounts) = cardinality(amounts)),
  check ((kind in ('COMMIT', 'VOID', 'REVERSE')) = (original is not null)),
  check ((kind = 'RESERVE') = (expires_at is not null)),
  check (kind <> 'REVERSE' or reason is not null)
)`;

/** What a journal did to an account, with everything the account was afterwards. `sequence` has no gaps. */
const entries = `
create table ledger_entries (
  account_id uuid not null,
  sequence bigint not null,
  journal_id uuid not null,
  batch_id bigint not null,
  at timestamptz not null,
  posted bigint not null,
  held_in bigint not null,
  held_out bigint not null,
  balance bigint not null,
  pending_in bigint not null,
  pending_out bigint not null,
  primary key (account_id, sequence)
)`;

/** The hash of a batch covers its rows and the hash of the batch before it in its chain. */
const batches = `
create table ledger_batches (
  batch_id bigint generated always as identity primary key,
  chain_id int not null,
  number bigint not null,
  at timestamptz not null,
  previous_hash bytea not null,
  hash bytea not null,
  unique (chain_id, number)
)`;

/** Heads of the chains: as many as transactions have ever posted at the same time, so that none waits for another's link. */
const chains = `
create table ledger_chains (
  chain_id int generated always as identity primary key,
  number bigint not null default 0,
  hash bytea not null default '\\x'
) with (fillfactor = 20)`;

const reservations = `
create table ledger_reservations (
  journal_id uuid primary key,
  expires_at timestamptz not null
)`;

const refuseChange = `
create function ledger_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% of %: what the ledger has recorded never changes', tg_op, tg_table_name
    using errcode = 'integrity_constraint_violation';
end $$`;

const APPEND_ONLY = ['ledger_journals', 'ledger_entries', 'ledger_batches'] as const;

const triggers = [
  ...APPEND_ONLY.flatMap((table) => [
    `create trigger ${table}_append_only before update or delete on ${table}
       for each row execute function ledger_refuse_change()`,
    `create trigger ${table}_append_only_truncate before truncate on ${table}
       for each statement execute function ledger_refuse_change()`,
  ]),
  `create trigger ledger_accounts_stay before delete or update of account_id, type, owner, unit, lower_bound, upper_bound, opened_at
     on ledger_accounts for each row execute function ledger_refuse_change()`,
  `create trigger ledger_accounts_stay_truncate before truncate on ledger_accounts
     for each statement execute function ledger_refuse_change()`,
];

const indexes = [
  'create unique index ledger_journals_original on ledger_journals (original) where original is not null',
  // Rows arrive in the order of their batches: a block range index finds those of a batch and costs a journal nothing.
  'create index ledger_journals_batch on ledger_journals using brin (batch_id) with (pages_per_range = 16, autosummarize = on)',
  'create index ledger_entries_batch on ledger_entries using brin (batch_id) with (pages_per_range = 16, autosummarize = on)',
  'create index ledger_reservations_expiry on ledger_reservations (expires_at)',
];

/**
 * The last entry of an account that is not younger than a time. Entries of an account never go back in time and their
 * numbers have no gaps, so it is found by halving: twenty look-ups among a million entries, and no further index.
 */
const entryAt = `
create function ledger_entry_at(p_account_id uuid, p_at timestamptz) returns bigint language plpgsql stable as $$
declare
  v_low bigint := 0;
  v_high bigint := (select a.entries from ledger_accounts a where a.account_id = p_account_id);
  v_middle bigint;
begin
  while v_low < v_high loop
    v_middle := (v_low + v_high + 1) / 2;
    if (select e.at from ledger_entries e where e.account_id = p_account_id and e.sequence = v_middle) <= p_at
      then v_low := v_middle; else v_high := v_middle - 1; end if;
  end loop;
  return v_low;
end $$`;

/** The sum of bigints as a bigint: amounts are bounded, so the detour over numeric that `sum` takes buys nothing. */
const sum = `create aggregate ledger_sum(bigint) (sfunc = int8pl, stype = bigint, initcond = '0')`;

/** Everything but the deciding function. */
export const ledgerTables: readonly string[] = [
  accounts,
  journals,
  entries,
  batches,
  chains,
  reservations,
  refuseChange,
  ...triggers,
  ...indexes,
  entryAt,
  sum,
];

/** The bounds of an account that has none, and the most a leg moves: 10^16. */
export const LEDGER_AMOUNT_MAX = BigInt(AMOUNT_MAX);
