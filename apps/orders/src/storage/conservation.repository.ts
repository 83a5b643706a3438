// The units of sale items in Postgres, read in one statement and so as of one instant.
import type { LedgerSide } from '../domain/conservation';
import type { RoundStatus } from '../domain/round';
import type { Queryable } from './sku-snapshots.repository';

/** An item under watch. */
export interface WatchedItem {
  readonly itemId: string;
  readonly skuId: string;
  readonly roundId: string;
  readonly seriesId: string;
  readonly roundStatus: RoundStatus;
}

/** One side of an item's equation, with what is needed to compare it with the gate. */
export interface LedgerItem extends LedgerSide {
  readonly itemId: string;
  readonly epoch: bigint;
  readonly admission: 'GATE' | 'DIRECT';
  readonly selling: boolean;
}

export interface PendingClaim {
  readonly itemId: string;
  readonly claimId: string;
  readonly quantity: number;
}

/** Items of one look. */
export const WATCHED_MAX = 2_000;

/** The items of rounds in these states: those on sale first, then by time of opening. */
export async function watchedItems(
  db: Queryable,
  filter: { readonly statuses: readonly RoundStatus[]; readonly roundId?: string },
): Promise<WatchedItem[]> {
  const rows = await db.query<{
    item_id: string;
    sku_id: string;
    round_id: string;
    series_id: string;
    status: RoundStatus;
  }>(
    `select i.item_id, i.sku_id, i.round_id, i.series_id, r.status from rounds r join round_items i using (round_id)
     where r.status = any($1::text[]) and ($2::uuid is null or r.round_id = $2)
     order by r.status = 'CLOSED', r.opens_at, r.round_id, i.position limit ${WATCHED_MAX}`,
    [filter.statuses, filter.roundId ?? null],
  );
  return rows.map((row) => ({
    itemId: row.item_id,
    skuId: row.sku_id,
    roundId: row.round_id,
    seriesId: row.series_id,
    roundStatus: row.status,
  }));
}

/**
 * The counters of the items, with the pending claims of the gate that are no live order and the returns that are still
 * noted. `countOrders` also sums the orders themselves, which costs more the more orders there are.
 */
export async function readLedger(
  db: Queryable,
  itemIds: readonly string[],
  pending: readonly PendingClaim[],
  countOrders: boolean,
): Promise<Map<string, LedgerItem>> {
  const rows = await db.query<LedgerRow>(countOrders ? LEDGER_WITH_ORDERS : LEDGER, [
    itemIds,
    pending.map((claim) => claim.itemId),
    pending.map((claim) => claim.claimId),
    pending.map((claim) => claim.quantity),
  ]);
  return new Map(rows.map((row) => [row.item_id, ledgerFromRow(row)]));
}

interface LedgerRow {
  item_id: string;
  quota: number;
  held: number;
  sold: number;
  written_off: number;
  epoch: number | bigint;
  admission: 'GATE' | 'DIRECT';
  selling: boolean;
  undecided: number;
  returning: number;
  orders_held?: number;
  orders_sold?: number;
}

function ledgerFromRow(row: LedgerRow): LedgerItem {
  return {
    itemId: row.item_id,
    quota: row.quota,
    held: row.held,
    sold: row.sold,
    writtenOff: row.written_off,
    epoch: BigInt(row.epoch),
    admission: row.admission,
    selling: row.selling,
    undecided: Number(row.undecided),
    returning: Number(row.returning),
    ...(row.orders_held === undefined ? {} : { ordersHeld: Number(row.orders_held) }),
    ...(row.orders_sold === undefined ? {} : { ordersSold: Number(row.orders_sold) }),
  };
}

// A late payment asks the gate under a claim id of its own, which `late_payments` keeps.
const LEDGER = ledgerQuery('');
const LEDGER_WITH_ORDERS = ledgerQuery(`,
  (select coalesce(sum(o.quantity) filter (where o.status = 'AWAITING_PAYMENT'), 0)::int
   from orders o where o.item_id = i.item_id) as orders_held,
  (select coalesce(sum(o.quantity) filter (where o.status = 'PAID'), 0)::int
   from orders o where o.item_id = i.item_id) as orders_sold`);

function ledgerQuery(more: string): string {
  return `
    with pending as (
      select p.item_id, p.claim_id, p.quantity from unnest($2::uuid[], $3::uuid[], $4::int[]) as p(item_id, claim_id, quantity)
    ),
    undecided as (
      select p.item_id, p.claim_id, p.quantity from pending p
      where not exists (select 1 from orders o where o.claim_id = p.claim_id and o.item_id = p.item_id
                          and o.status in ('AWAITING_PAYMENT', 'PAID'))
        and not exists (select 1 from late_payments l where l.claim_id = p.claim_id and l.decision = 'HONOURED')
    ),
    returning_units as (
      select g.item_id, sum(o.quantity) as units from gate_returns g join orders o on o.claim_id = g.claim_id
      where g.item_id = any($1::uuid[]) and not exists (select 1 from undecided u where u.claim_id = g.claim_id)
      group by g.item_id
    )
    select i.item_id, i.quota, i.held, i.sold, i.written_off, i.epoch, i.admission, i.selling,
      coalesce((select sum(u.quantity) from undecided u where u.item_id = i.item_id), 0)::int as undecided,
      coalesce((select r.units from returning_units r where r.item_id = i.item_id), 0)::int as returning ${more}
    from round_items i where i.item_id = any($1::uuid[])`;
}
