// The decision: one round trip settles a whole batch of claims, whichever items they are for. It runs as a single
// statement, so it is one transaction and costs one flush to disk.

/**
 * `decide_claims` locks the items first, in id order, and only then looks: everything that changes a counter of an item
 * does so under that lock, so what the second statement reads is the truth until commit.
 *
 * Outcomes: ACCEPTED; REPLAYED (the claim was accepted before; `fingerprint` tells whether the request is the same);
 * TOMBSTONED (this admission was given up); STALE_EPOCH (another gate is in force); NOT_SELLING; NOT_OPEN and CLOSED
 * (only judged for claims that no gate has timed); LIMIT_REACHED; ALREADY_WON; SOLD_OUT; RETRY (another claim of this
 * batch stands in the way of a fair answer: submit again).
 *
 * Errors: GV001 when `p_decided_at` is more than two seconds off this server's clock; nothing is written then.
 */
export const decideClaims = `
create function decide_claims(
  p_claim_ids uuid[], p_order_ids uuid[], p_item_ids uuid[], p_buyer_ids text[], p_quantities int[],
  p_epochs bigint[], p_admission_numbers bigint[], p_fingerprints text[], p_region_codes text[],
  p_event_payloads text[], p_traceparents text[],
  p_topic text, p_event_type text, p_order_keys text[], p_decided_at timestamptz
) returns table (ordinal int, outcome text, existing_order_id uuid, existing_fingerprint text,
  existing_live boolean, existing_item_id uuid)
language plpgsql as $function$
begin
  if abs(extract(epoch from clock_timestamp() - p_decided_at)) > 2 then
    raise exception 'decided at %, server clock %', p_decided_at, clock_timestamp() using errcode = 'GV001';
  end if;

  perform 1 from round_items where item_id = any(p_item_ids) order by item_id for no key update;

  return query
  with input as (
    select n.ordinal::int, n.claim_id, n.order_id, n.item_id, n.buyer_id, n.quantity, n.epoch, n.admission_number,
           n.fingerprint, n.region_code, n.payload, n.traceparent, n.order_key,
           row_number() over (partition by n.buyer_id order by n.ordinal) as turn_of_buyer
    from unnest(p_claim_ids, p_order_ids, p_item_ids, p_buyer_ids, p_quantities, p_epochs, p_admission_numbers,
                p_fingerprints, p_region_codes, p_event_payloads, p_traceparents, p_order_keys)
      with ordinality as n(claim_id, order_id, item_id, buyer_id, quantity, epoch, admission_number,
                           fingerprint, region_code, payload, traceparent, order_key, ordinal)
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
                    where other.item_id = input.item_id and other.buyer_id = input.buyer_id
                      and other.status in ('AWAITING_PAYMENT', 'PAID')), 0) > item.per_buyer_limit then 'LIMIT_REACHED'
           end as refusal
    from input
    left join round_items item on item.item_id = input.item_id
    left join rounds round on round.round_id = item.round_id
    left join orders known on known.claim_id = input.claim_id
  ),
  fitting as (
    select judged.*,
           sum(judged.quantity) over (partition by judged.item_id order by judged.ordinal) <= judged.available as fits
    from judged where judged.refusal is null
  ),
  won as (
    insert into series_wins as w (series_id, buyer_id, wins)
    select fitting.series_id, fitting.buyer_id, 1 from fitting
    where fitting.fits and fitting.win_limit is not null
    order by fitting.series_id, fitting.buyer_id
    on conflict (series_id, buyer_id) do update set wins = w.wins + 1
      where w.wins < (select round.win_limit from rounds round
                      join fitting f on f.round_id = round.round_id
                      where f.series_id = w.series_id and f.buyer_id = w.buyer_id)
    returning w.series_id, w.buyer_id
  ),
  accepted as (
    select fitting.* from fitting
    where fitting.fits and (fitting.win_limit is null
      or exists (select 1 from won where won.series_id = fitting.series_id and won.buyer_id = fitting.buyer_id))
  ),
  placed as (
    insert into orders (order_id, claim_id, admission_number, fingerprint, buyer_id, merchant_id, shop_id, series_id,
      round_id, item_id, quantity, total_minor, currency, region_code, status, placed_at, expires_at)
    select a.order_id, a.claim_id, a.admission_number, a.fingerprint, a.buyer_id, a.merchant_id, a.shop_id, a.series_id,
      a.round_id, a.item_id, a.quantity, a.price_minor * a.quantity, a.currency, a.region_code, 'AWAITING_PAYMENT',
      p_decided_at, p_decided_at + make_interval(secs => a.payment_window_seconds)
    from accepted a
  ),
  lines as (
    insert into order_lines (order_id, line_number, sku_id, title, quantity, unit_price_minor, price_version_id)
    select a.order_id, 1, a.sku_id, a.title, a.quantity, a.price_minor, a.price_version_id from accepted a
  ),
  published as (
    insert into outbox (event_id, topic, key, type, payload, traceparent, occurred_at)
    -- A claim is accepted once: its id names the event too.
    select a.claim_id, p_topic, a.order_key, p_event_type, a.payload, a.traceparent, p_decided_at
    from accepted a order by a.ordinal
  ),
  counted as (
    update round_items item set held = item.held + taken.quantity
    from (select a.item_id, sum(a.quantity)::int as quantity from accepted a group by a.item_id) taken
    where item.item_id = taken.item_id
  )
  select judged.ordinal,
         case
           when judged.refusal is not null then judged.refusal
           when accepted.ordinal is not null then 'ACCEPTED'
           when fitting.fits then 'ALREADY_WON'
           -- A neighbour that fitted has lost on its win limit: its unit may be for this one.
           when exists (select 1 from fitting f left join accepted a on a.ordinal = f.ordinal
                        where f.item_id = judged.item_id and f.fits and a.ordinal is null) then 'RETRY'
           when judged.available > 0 and judged.quantity <= judged.available then 'RETRY'
           else 'SOLD_OUT'
         end,
         judged.known_order_id, judged.known_fingerprint, judged.known_live, judged.known_item_id
  from judged
  left join fitting on fitting.ordinal = judged.ordinal
  left join accepted on accepted.ordinal = judged.ordinal
  order by judged.ordinal;
end
$function$;`;
