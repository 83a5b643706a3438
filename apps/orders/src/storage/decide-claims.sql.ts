// The decision: one round trip settles a whole batch of claims, whichever items they are for. It runs as a single
// statement, so it is one transaction and costs one flush to disk.
//
// This is the function as it stands. A change of it appends a migration that puts it in the place of the former one, with
// the same arguments and columns: during a roll-out old processes call it too.

/**
 * `decide_claims` locks the items first, in id order, and only then looks: everything that changes a counter of an item
 * does so under that lock, so what the second statement reads is the truth until commit.
 *
 * Answers the claims that are not accepted, one row each with its place in the batch, and before them one row with
 * ordinal 0 whose `accepted` says how many are: a batch without trouble is answered with one row.
 *
 * Outcomes: REPLAYED (the claim was accepted before; `fingerprint` tells whether the request is the same); TOMBSTONED
 * (this admission was given up); STALE_EPOCH (another gate is in force); NOT_SELLING; NOT_OPEN and CLOSED (only judged
 * for claims that no gate has timed); LIMIT_REACHED; ALREADY_WON; SOLD_OUT; RETRY (another claim of this batch stands
 * in the way of a fair answer: submit again).
 *
 * Planned once for any arguments, because planning this statement anew costs more than deciding one claim. The plan
 * must then be right for every size of batch and table: one index look-up per claim with any statistics.
 * A plan made for thirty orders would read all of them, and go on doing so when there are a hundred thousand.
 *
 * Errors: GV001 when `p_decided_at` is more than two seconds off this server's clock; nothing is written then.
 */
export const decideClaims = `
create or replace function decide_claims(
  p_claim_ids uuid[], p_order_ids uuid[], p_item_ids uuid[], p_buyer_ids text[], p_quantities int[],
  p_epochs bigint[], p_admission_numbers bigint[], p_fingerprints text[], p_region_codes text[],
  p_event_payloads text[], p_traceparents text[],
  p_topic text, p_event_type text, p_order_keys text[], p_decided_at timestamptz
) returns table (ordinal int, accepted int, outcome text, existing_order_id uuid, existing_fingerprint text,
  existing_live boolean, existing_item_id uuid)
language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $function$
begin
  if abs(extract(epoch from clock_timestamp() - p_decided_at)) > 2 then
    raise exception 'decided at %, server clock %', p_decided_at, clock_timestamp() using errcode = 'GV001';
  end if;

  perform 1 from round_items where item_id = any(p_item_ids) order by item_id for no key update;

  return query
  with input as (
    select n.ordinal::int, n.claim_id, n.order_id, n.item_id, n.buyer_id, n.quantity, n.epoch, n.admission_number,
           n.fingerprint, n.region_code,
           row_number() over (partition by n.buyer_id order by n.ordinal) as turn_of_buyer
    from unnest(p_claim_ids, p_order_ids, p_item_ids, p_buyer_ids, p_quantities, p_epochs, p_admission_numbers,
                p_fingerprints, p_region_codes)
      with ordinality as n(claim_id, order_id, item_id, buyer_id, quantity, epoch, admission_number,
                           fingerprint, region_code, ordinal)
  ),
  judged as (
    select input.*, item.round_id, item.series_id, item.shop_id, item.merchant_id, item.sku_id, item.title,
           item.price_minor, item.currency, item.price_version_id,
           round.win_limit, round.payment_window_seconds,
           item.quota - item.held - item.sold - item.written_off as available,
           known.order_id as known_order_id, known.fingerprint as known_fingerprint,
           known.status in ('AWAITING_PAYMENT', 'PAID') as known_live, known.item_id as known_item_id,
           case
             when known.order_id is not null then 'REPLAYED'
             when input.turn_of_buyer > 1 then 'RETRY'
             when item.item_id is null or input.epoch is distinct from
               (case when item.admission = 'GATE' then item.epoch end) then 'STALE_EPOCH'
             when exists (select 1 from claim_tombstones dead
                          where dead.claim_id = input.claim_id and dead.epoch = input.epoch
                            and dead.admission_number = input.admission_number) then 'TOMBSTONED'
             when not item.selling then
               case when clock_timestamp() >= round.closes_at or round.status in ('CLOSED', 'SETTLED', 'CANCELLED')
                 then 'CLOSED' else 'NOT_SELLING' end
             when input.epoch is null and clock_timestamp() < round.opens_at then 'NOT_OPEN'
             when input.epoch is null and clock_timestamp() >= round.closes_at then 'CLOSED'
             when input.quantity + coalesce((select sum(other.quantity) from orders other
                    where other.item_id = input.item_id and other.buyer_id = input.buyer_id collate "C"
                      and other.status collate "C" in ('AWAITING_PAYMENT', 'PAID')), 0) > item.per_buyer_limit then 'LIMIT_REACHED'
           end as refusal
    from input
    left join round_items item on item.item_id = input.item_id
    left join rounds round on round.round_id = item.round_id
    left join orders known on known.claim_id = input.claim_id
  ),
  ranked as (
    select judged.*,
           judged.refusal is null
             and sum(judged.quantity) filter (where judged.refusal is null)
                   over (partition by judged.item_id order by judged.ordinal) <= judged.available as fits
    from judged
  ),
  won as (
    insert into series_wins as w (series_id, buyer_id, wins)
    select r.series_id, r.buyer_id, 1 from ranked r
    where r.fits and r.win_limit is not null
    order by r.series_id, r.buyer_id
    on conflict (series_id, buyer_id) do update set wins = w.wins + 1
      where w.wins < (select r.win_limit from ranked r
                      where r.fits and r.series_id = w.series_id and r.buyer_id = w.buyer_id)
    returning w.series_id, w.buyer_id
  ),
  taken as (
    select r.* from ranked r
    where r.fits and (r.win_limit is null or (r.series_id, r.buyer_id) in (select won.series_id, won.buyer_id from won))
  ),
  -- Items of which a claim that fitted has lost on its win limit: its units may be for a neighbour.
  freed as (
    select r.item_id from ranked r where r.fits and r.ordinal not in (select taken.ordinal from taken)
  ),
  placed as (
    insert into orders (order_id, claim_id, admission_number, fingerprint, buyer_id, merchant_id, shop_id, series_id,
      round_id, item_id, quantity, total_minor, currency, region_code, status, placed_at, expires_at)
    select a.order_id, a.claim_id, a.admission_number, a.fingerprint, a.buyer_id, a.merchant_id, a.shop_id, a.series_id,
      a.round_id, a.item_id, a.quantity, a.price_minor * a.quantity, a.currency, a.region_code, 'AWAITING_PAYMENT',
      p_decided_at, p_decided_at + make_interval(secs => a.payment_window_seconds)
    from taken a
  ),
  lines as (
    insert into order_lines (order_id, line_number, sku_id, title, quantity, unit_price_minor, price_version_id)
    select a.order_id, 1, a.sku_id, a.title, a.quantity, a.price_minor, a.price_version_id from taken a
  ),
  published as (
    insert into outbox (event_id, topic, key, type, payload, traceparent, occurred_at)
    -- An order is placed once: its id names the event too. It ascends with time, unlike the claim's, and that spares every
    -- consumer's inbox a random place in its index.
    select a.order_id, p_topic, p_order_keys[a.ordinal], p_event_type, p_event_payloads[a.ordinal],
           p_traceparents[a.ordinal], p_decided_at
    from taken a order by a.ordinal
  ),
  counted as (
    update round_items item set held = item.held + sums.quantity
    from (select a.item_id, sum(a.quantity)::int as quantity from taken a group by a.item_id) sums
    where item.item_id = sums.item_id
  )
  select 0, count(*)::int, null, null::uuid, null, null::boolean, null::uuid from taken
  union all
  select r.ordinal, null,
         case
           when r.refusal is not null then r.refusal
           when r.fits then 'ALREADY_WON'
           when r.item_id in (select freed.item_id from freed) then 'RETRY'
           when r.available > 0 and r.quantity <= r.available then 'RETRY'
           else 'SOLD_OUT'
         end,
         r.known_order_id, r.known_fingerprint, r.known_live, r.known_item_id
  from ranked r where r.ordinal not in (select taken.ordinal from taken);
end
$function$;`;
