// The decision: one call settles a batch of journals. A change of this function appends a migration that replaces it, with the
// same arguments and columns: during a roll-out old processes call it too.
import { batchHash, entryText, journalText } from './row-text.sql';

/** The journals of the batch with the places of their own legs. */
const COMMANDS = `(
  select c.*, coalesce(p_leg_ends[(c.ordinal - 1)::int], 0) + 1 as first_leg, p_leg_ends[c.ordinal] as last_leg
  from unnest(p_ids, p_kinds, p_originals, p_ttls_ms, p_references, p_reasons)
    with ordinality as c(id, kind, original, ttl_ms, reference, reason, ordinal))`;

const COMMITTED_MEANWHILE = `
      raise exception 'a journal that matters here was committed meanwhile' using errcode = 'serialization_failure';`;

/** Refuses the journal of the row at hand because of an account. */
const REFUSED = (outcome: string): string => `
      v_ok[r.ordinal] := false;
      ordinal := r.ordinal; outcome := '${outcome}'; account_id := r.account_id; available := null; journal_id := null;
      kind := null; at := null; expires_at := null;
      return next;`;

/** Refusals that do not depend on balances. Fills v_ok and answers the refused journals. */
const JUDGE_ORIGINALS = `
  for r in
    select n.ordinal, n.kind, n.original, o.journal_id as known, o.kind as known_kind, o.at, o.expires_at,
           d.journal_id as done_by, d.kind as done_kind, d.at as done_at
    from unnest(p_kinds, p_originals) with ordinality as n(kind, original, ordinal)
    left join ledger_journals o on o.journal_id = n.original
    left join ledger_journals d on d.original = n.original
    where n.original is not null
  loop
    continue when not v_ok[r.ordinal];
    -- Committed after the legs were read: its accounts are not locked.
    if r.known_kind <> 'TOMBSTONE' and e_ends[r.ordinal] = coalesce(e_ends[(r.ordinal - 1)::int], 0) then ${COMMITTED_MEANWHILE} end if;
    ordinal := r.ordinal; account_id := null; available := null; journal_id := r.original; at := r.at; expires_at := r.expires_at;
    outcome := case
      when r.known is null and r.kind <> 'TOMBSTONE' then 'UNKNOWN_JOURNAL'
      when r.known is null then null
      when r.known_kind = 'TOMBSTONE' and r.kind = 'TOMBSTONE' then 'REPLAYED'
      when r.known_kind = 'TOMBSTONE' and r.kind = 'COMMIT' then 'RESOLVED'
      when r.known_kind = 'TOMBSTONE' and r.kind = 'VOID' then 'RESOLVED'
      when r.kind = 'REVERSE' and r.known_kind not in ('POST', 'COMMIT') then 'WRONG_KIND'
      when r.kind <> 'REVERSE' and r.known_kind <> 'RESERVE' then 'WRONG_KIND'
      when r.done_by is not null then 'RESOLVED'
      when r.kind = 'COMMIT' and r.expires_at <= v_now then 'EXPIRED'
    end;
    if outcome = 'RESOLVED' then
      journal_id := coalesce(r.done_by, r.known); kind := coalesce(r.done_kind, r.known_kind); at := coalesce(r.done_at, r.at);
    end if;
    if outcome is not null then v_ok[r.ordinal] := false; return next; end if;
    kind := null;
    v_tombstone[r.ordinal] := r.known is null;
  end loop;`;

/** Legs of journals that resolve or reverse another one come from there; those of a partial commit are given. */
const LEGS_OF_ORIGINALS = `
  v_accounts := array(
    select a.account_id from unnest(p_accounts) as a(account_id)
    union select o.account_id from ledger_journals j cross join lateral unnest(j.accounts) as o(account_id)
          where j.journal_id = any(p_originals)
    order by 1);
  select array_agg(l.ordinal order by l.ordinal, l.account_id),
         array_agg(array_position(v_accounts, l.account_id) order by l.ordinal, l.account_id),
         array_agg(l.account_id order by l.ordinal, l.account_id), array_agg(l.amount order by l.ordinal, l.account_id),
         array_agg(l.posted order by l.ordinal, l.account_id), array_agg(l.held_in order by l.ordinal, l.account_id),
         array_agg(l.held_out order by l.ordinal, l.account_id)
  into e_ordinals, e_places, e_accounts, e_amounts, e_posted, e_in, e_out
  from (
    select n.ordinal, n.account_id, n.amount, n.posted, n.held_in, n.held_out
    from unnest(p_leg_ordinals, p_leg_accounts, p_leg_amounts, p_leg_posted, p_leg_in, p_leg_out)
      as n(ordinal, account_id, amount, posted, held_in, held_out)
    where p_originals[n.ordinal] is null
    union all
    select n.ordinal::int, o.account_id, case when n.kind in ('VOID', 'TOMBSTONE') then o.amount else moved.amount end, moved.amount,
           case when n.kind = 'REVERSE' then 0 else -greatest(o.amount, 0) end,
           case when n.kind = 'REVERSE' then 0 else -greatest(-o.amount, 0) end
    from ${COMMANDS} n
    join ledger_journals j on j.journal_id = n.original
    cross join lateral unnest(j.accounts, j.amounts) as o(account_id, amount)
    cross join lateral (select case
      when n.kind = 'REVERSE' then -o.amount
      when n.kind = 'COMMIT' and n.first_leg > n.last_leg then o.amount
      when n.kind = 'COMMIT' then coalesce(p_leg_amounts[n.first_leg - 1
        + array_position(p_leg_accounts[n.first_leg:n.last_leg], o.account_id)], 0)
      else 0 end as amount) moved
  ) l;
  e_ends := array_fill(0, array[v_count]);
  for i in 1 .. coalesce(cardinality(e_ordinals), 0) loop e_ends[e_ordinals[i]] := i; end loop;
  -- A journal without legs ends where the one before it does.
  for i in 2 .. v_count loop e_ends[i] := greatest(e_ends[i], e_ends[i - 1]); end loop;`;

/** A partial commit stays within its reservation: the same accounts, the same direction, at most the amount. */
const JUDGE_PARTS = `
  for r in
    select distinct on (n.ordinal) n.ordinal, n.account_id
    from unnest(p_leg_ordinals, p_leg_accounts, p_leg_amounts) as n(ordinal, account_id, amount)
    join ledger_journals j on j.journal_id = p_originals[n.ordinal]
    cross join lateral (select j.amounts[array_position(j.accounts, n.account_id)] as amount) o
    where o.amount is null or sign(n.amount) <> sign(o.amount) or abs(n.amount) > abs(o.amount)
    order by n.ordinal, n.account_id
  loop
    continue when not v_ok[r.ordinal];
    ${REFUSED('EXCEEDS_RESERVATION')}
  end loop;`;

/** Known ids: the same content gets the first answer, other content a refusal. */
const JUDGE_KNOWN = `
  if exists (select from ledger_journals j where j.journal_id = any(p_ids)) then
    for r in
      select n.ordinal, j.journal_id, j.kind, j.at, j.expires_at,
             case
               when j.kind = 'TOMBSTONE' and n.kind = 'RESERVE' then 'RESOLVED'
               when j.kind is distinct from case n.kind when 'TOMBSTONE' then 'VOID' else n.kind end
                 or j.original is distinct from n.original or j.ttl_ms is distinct from n.ttl_ms
                 or j.reference is distinct from n.reference or j.reason is distinct from n.reason then 'ID_CONFLICT'
               when j.kind in ('POST', 'RESERVE')
                 and (j.accounts <> p_leg_accounts[n.first_leg:n.last_leg] or j.amounts <> p_leg_amounts[n.first_leg:n.last_leg])
                 then 'ID_CONFLICT'
               -- The legs of a commit were read from its reservation above.
               when j.kind = 'COMMIT' and j.amounts <> e_amounts[coalesce(e_ends[(n.ordinal - 1)::int], 0) + 1 : e_ends[n.ordinal]]
                 then 'ID_CONFLICT'
               else 'REPLAYED'
             end as verdict,
             j.kind = 'COMMIT' and n.kind = 'COMMIT' and j.original = n.original as resolves
      from ${COMMANDS} n
      join ledger_journals j on j.journal_id = n.id
    loop
      -- The commit and its reservation are younger than the legs that were read: there is nothing to compare it with.
      if r.resolves and e_ends[r.ordinal] = coalesce(e_ends[(r.ordinal - 1)::int], 0) then ${COMMITTED_MEANWHILE} end if;
      v_ok[r.ordinal] := false;
      ordinal := r.ordinal; outcome := r.verdict; account_id := null; available := null; journal_id := r.journal_id; at := r.at;
      expires_at := r.expires_at; kind := r.kind;
      return next;
    end loop;
  end if;`;

/** Locks the accounts in id order and reads them: a locked row is read as it is after the wait. */
const LOCK = (wait: string): string => `
  select count(*), max(a.last_at), min(a.unit) is not distinct from max(a.unit), array_agg(a.entries), array_agg(a.balance),
         array_agg(a.pending_in), array_agg(a.pending_out), array_agg(a.lower_bound), array_agg(a.upper_bound)
  into v_locked, v_at, v_one_unit, a_entries, a_balances, a_ins, a_outs, a_lowers, a_uppers
  from (select l.* from ledger_accounts l where l.account_id = any(v_accounts) order by l.account_id for no key update ${wait}) a;`;

/**
 * A transaction that has locked its accounts waits for no other: two such would wait for each other. An account that is not
 * among them belongs to an original that was committed after they were locked.
 */
const LOCK_HELD = `${LOCK('skip locked')}
  if v_locked < (select count(*) from ledger_accounts l where l.account_id = any(v_accounts)) then ${COMMITTED_MEANWHILE} end if;`;

/** Accounts that do not exist, and legs that do not sum to zero per unit. */
const JUDGE_ACCOUNTS = `
  if v_locked < cardinality(v_accounts) then
    for r in
      select distinct on (l.ordinal) l.ordinal, l.account_id
      from unnest(e_ordinals, e_accounts) as l(ordinal, account_id)
      where not exists (select from ledger_accounts a where a.account_id = l.account_id)
      order by l.ordinal, l.account_id
    loop
      continue when not v_ok[r.ordinal];
      ${REFUSED('UNKNOWN_ACCOUNT')}
    end loop;
    select array_agg(a.entries order by n.place), array_agg(a.balance order by n.place), array_agg(a.pending_in order by n.place),
           array_agg(a.pending_out order by n.place), array_agg(a.lower_bound order by n.place), array_agg(a.upper_bound order by n.place)
    into a_entries, a_balances, a_ins, a_outs, a_lowers, a_uppers
    from unnest(v_accounts) with ordinality as n(account_id, place) left join ledger_accounts a on a.account_id = n.account_id;
  end if;
  if not v_one_unit or exists (
    select from unnest(e_ordinals, e_posted, e_in, e_out) as l(ordinal, posted, held_in, held_out)
    group by l.ordinal having ledger_sum(l.posted) <> 0 or ledger_sum(l.held_in) <> ledger_sum(l.held_out)) then
    for r in
      select distinct on (s.ordinal) s.ordinal, e_accounts[s.leg] as account_id from (
        select l.ordinal, min(l.leg) as leg
        from unnest(e_ordinals, e_accounts, e_posted, e_in, e_out)
          with ordinality as l(ordinal, account_id, posted, held_in, held_out, leg)
        join ledger_accounts a on a.account_id = l.account_id
        group by l.ordinal, a.unit
        having ledger_sum(l.posted) <> 0 or ledger_sum(l.held_in) <> ledger_sum(l.held_out)
      ) s order by s.ordinal, s.leg
    loop
      continue when not v_ok[r.ordinal];
      ${REFUSED('UNBALANCED')}
    end loop;
  end if;`;

/** The ordered loop, in memory: each journal is held against the balances that those before it left. */
const DECIDE_IN_ORDER = `
  b_balances := a_balances; b_ins := a_ins; b_outs := a_outs;
  for v_ordinal in 1 .. v_count loop
    continue when not v_ok[v_ordinal];
    for v_leg in coalesce(e_ends[v_ordinal - 1], 0) + 1 .. e_ends[v_ordinal] loop
      k := e_places[v_leg];
      if b_balances[k] + e_posted[v_leg] - b_outs[k] - e_out[v_leg] < a_lowers[k] then
        outcome := 'BELOW_LOWER'; available := b_balances[k] - b_outs[k] - a_lowers[k];
      elsif b_balances[k] + e_posted[v_leg] + b_ins[k] + e_in[v_leg] > a_uppers[k] then
        outcome := 'ABOVE_UPPER'; available := a_uppers[k] - b_balances[k] - b_ins[k];
      else
        continue;
      end if;
      v_ok[v_ordinal] := false;
      ordinal := v_ordinal; account_id := e_accounts[v_leg]; journal_id := null; at := null; expires_at := null; kind := null;
      return next;
      exit;
    end loop;
    continue when not v_ok[v_ordinal];
    for v_leg in coalesce(e_ends[v_ordinal - 1], 0) + 1 .. e_ends[v_ordinal] loop
      k := e_places[v_leg];
      b_balances[k] := b_balances[k] + e_posted[v_leg];
      b_ins[k] := b_ins[k] + e_in[v_leg];
      b_outs[k] := b_outs[k] + e_out[v_leg];
    end loop;
  end loop;`;

/** Writes what is accepted, and nothing at all when one running balance would cross a bound. */
const WRITE = `
  with running as materialized (
    select e_accounts[l.leg] as account_id, a_entries[l.place] + row_number() over account as sequence, p_ids[l.ordinal] as journal_id,
           l.posted, l.held_in, l.held_out,
           a_balances[l.place] + ledger_sum(l.posted) over account as balance,
           a_ins[l.place] + ledger_sum(l.held_in) over account as pending_in,
           a_outs[l.place] + ledger_sum(l.held_out) over account as pending_out,
           a_lowers[l.place] as lower_bound, a_uppers[l.place] as upper_bound
    from unnest(e_ordinals, e_places, e_posted, e_in, e_out) with ordinality as l(ordinal, place, posted, held_in, held_out, leg)
    where v_ok[l.ordinal]
    window account as (partition by l.place order by l.leg rows unbounded preceding)
  ),
  verdict as materialized (
    select coalesce(bool_and(balance - pending_out >= lower_bound and balance + pending_in <= upper_bound), true) as holds from running
  ),
  fresh as materialized (
    select case when v_tombstone[n.ordinal] then n.original else n.id end as journal_id,
           case when v_tombstone[n.ordinal] then 'TOMBSTONE' when n.kind = 'TOMBSTONE' then 'VOID' else n.kind end as kind,
           case when v_tombstone[n.ordinal] then null else n.original end as original,
           coalesce(e_accounts[coalesce(e_ends[(n.ordinal - 1)::int], 0) + 1 : e_ends[n.ordinal]], '{}') as accounts,
           coalesce(e_amounts[coalesce(e_ends[(n.ordinal - 1)::int], 0) + 1 : e_ends[n.ordinal]], '{}') as amounts,
           n.ttl_ms, v_now + n.ttl_ms * interval '1 millisecond' as expires_at, n.reference, n.reason
    from verdict, unnest(p_ids, p_kinds, p_originals, p_ttls_ms, p_references, p_reasons)
      with ordinality as n(id, kind, original, ttl_ms, reference, reason, ordinal)
    where verdict.holds and v_ok[n.ordinal]
  ),
  journals as (
    insert into ledger_journals (journal_id, kind, original, accounts, amounts, ttl_ms, expires_at, reference, reason, batch_id, at)
    select f.journal_id, f.kind, f.original, f.accounts, f.amounts, f.ttl_ms, f.expires_at, f.reference, f.reason, v_batch, v_at
    from fresh f
    -- Two transactions that meet under several ids meet in the same order.
    order by f.journal_id
    on conflict do nothing
    returning 1
  ),
  entries as (
    insert into ledger_entries (account_id, sequence, journal_id, batch_id, at, posted, held_in, held_out, balance, pending_in, pending_out)
    select r.account_id, r.sequence, r.journal_id, v_batch, v_at, r.posted, r.held_in, r.held_out, r.balance, r.pending_in, r.pending_out
    from running r, verdict where verdict.holds
  ),
  balances as (
    update ledger_accounts a
    set entries = a.entries + d.entries, balance = a.balance + d.posted, pending_in = a.pending_in + d.held_in,
        pending_out = a.pending_out + d.held_out, last_at = v_at
    from (select r.account_id, count(*) as entries, ledger_sum(r.posted) as posted, ledger_sum(r.held_in) as held_in,
                 ledger_sum(r.held_out) as held_out
          from running r, verdict where verdict.holds group by r.account_id) d
    where a.account_id = d.account_id
  ),
  opened as (
    insert into ledger_reservations (journal_id, expires_at) select f.journal_id, f.expires_at from fresh f where f.kind = 'RESERVE'
  ),
  resolved as (
    delete from ledger_reservations o using fresh f where f.kind in ('COMMIT', 'VOID') and o.journal_id = f.original
  ),
  linked as (
    insert into ledger_batches (batch_id, chain_id, number, at, previous_hash, hash)
    overriding system value
    select v_batch, v_chain, v_number + 1, v_at, v_hash,
      ${batchHash({
        previous: 'v_hash',
        chainId: 'v_chain',
        number: 'v_number + 1',
        at: 'v_at',
        journals: `(select string_agg(${journalText('f')}, '' order by f.journal_id) from fresh f)`,
        entries: `coalesce((select string_agg(${entryText('e')}, '' order by e.account_id, e.sequence) from running e), '')`,
      })}
    from verdict where verdict.holds
    returning hash
  ),
  head as (
    update ledger_chains c set number = v_number + 1, hash = linked.hash from linked where c.chain_id = v_chain
  )
  select verdict.holds, (select count(*) from fresh) - (select count(*) from journals) into v_holds, v_lost from verdict;`;

/**
 * `ledger_post` locks the accounts in id order and then decides in the next statements, which see what was committed while it
 * waited. A leg names its account by id and by its place in `p_accounts`, which are sorted, and says what it does to it: to the
 * balance (`posted`), to what is expected to come in, and to what is held to go out. `p_held` says that this transaction has
 * locked the accounts before. Journals of one batch do not refer to each other; the caller splits those that do.
 *
 * Answers one row with ordinal 0 that carries the time of the batch, and one row for each journal that is not accepted:
 * REPLAYED, ID_CONFLICT, UNKNOWN_JOURNAL, WRONG_KIND, RESOLVED, EXPIRED, EXCEEDS_RESERVATION, UNKNOWN_ACCOUNT, UNBALANCED,
 * BELOW_LOWER, ABOVE_UPPER. A refused journal leaves nothing behind.
 *
 * Time is this server's. It never goes back for an account, even when the clock does.
 *
 * Errors: 40001 when a journal under one of these ids, or one that is referred to, was committed between the statements of this
 * call; the batch is then decided anew. Plans are made once for any arguments and use look-ups by index alone, as plans that are
 * kept must.
 */
export const ledgerPost = `
create or replace function ledger_post(
  p_ids uuid[], p_kinds text[], p_originals uuid[], p_ttls_ms bigint[], p_references text[], p_reasons text[], p_leg_ends int[],
  p_accounts uuid[], p_leg_ordinals int[], p_leg_places int[], p_leg_accounts uuid[], p_leg_amounts bigint[],
  p_leg_posted bigint[], p_leg_in bigint[], p_leg_out bigint[], p_held boolean
) returns table (ordinal int, outcome text, account_id uuid, available bigint, journal_id uuid, kind text, at timestamptz,
  expires_at timestamptz)
language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $function$
#variable_conflict use_column
declare
  v_count int := cardinality(p_ids);
  v_ok boolean[] := array_fill(true, array[v_count]);
  v_tombstone boolean[] := array_fill(false, array[v_count]);
  v_refers boolean := exists (select from unnest(p_originals) as o(original) where o.original is not null);
  v_accounts uuid[] := p_accounts; v_locked int; v_one_unit boolean; v_now timestamptz; v_at timestamptz; v_holds boolean; v_lost bigint;
  v_batch bigint; v_chain int; v_number bigint; v_hash bytea;
  -- The legs as they are decided, and where those of each journal end.
  e_ordinals int[] := p_leg_ordinals; e_places int[] := p_leg_places; e_accounts uuid[] := p_leg_accounts;
  e_amounts bigint[] := p_leg_amounts; e_posted bigint[] := p_leg_posted; e_in bigint[] := p_leg_in; e_out bigint[] := p_leg_out;
  e_ends int[] := p_leg_ends;
  -- The accounts as they are, by their place in v_accounts, and as the ordered loop leaves them.
  a_entries bigint[]; a_balances bigint[]; a_ins bigint[]; a_outs bigint[]; a_lowers bigint[]; a_uppers bigint[];
  b_balances bigint[]; b_ins bigint[]; b_outs bigint[];
  r record; k int; v_ordinal int; v_leg int;
begin
  if v_refers then ${LEGS_OF_ORIGINALS}
  end if;
  if p_held then ${LOCK_HELD}
  else ${LOCK('')}
  end if;
  v_now := date_trunc('milliseconds', clock_timestamp());
  v_at := greatest(v_now, v_at);
  ${JUDGE_KNOWN}
  if v_refers then ${JUDGE_ORIGINALS} ${JUDGE_PARTS}
  end if;
  ${JUDGE_ACCOUNTS}

  ordinal := 0; outcome := 'AT'; account_id := null; available := null; journal_id := null; kind := null; at := v_at; expires_at := v_now;
  return next;
  for v_attempt in 1 .. 2 loop
    exit when not (true = any(v_ok));
    if v_chain is null then
      -- A chain that no other transaction holds, or a new one: nothing ever waits for a chain.
      select c.chain_id, c.number, c.hash into v_chain, v_number, v_hash
      from ledger_chains c order by c.chain_id limit 1 for no key update skip locked;
      if not found then
        insert into ledger_chains default values returning chain_id, number, hash into v_chain, v_number, v_hash;
      end if;
      v_batch := nextval('ledger_batches_batch_id_seq');
    end if;
    ${WRITE}
    if v_lost > 0 then
      ${COMMITTED_MEANWHILE}
    end if;
    exit when v_holds;
    if v_attempt = 2 then raise exception 'a bound is crossed after the ordered decision'; end if;
    ${DECIDE_IN_ORDER}
  end loop;
end $function$`;
