// Postgres says which gate is in force: a series has one epoch and one way of admission. Both are copied to the items
// of its live rounds, where the decision reads them under the item's lock.
import type { Database, Tx } from '@gravity/persistence';
import type { GateInForce } from './redis-gate';

/** Rounds whose items may still take claims or return units. */
const LIVE = `('APPROVED', 'WARMED', 'OPEN', 'SOLD_OUT')`;

export interface GateItemState {
  readonly itemId: string;
  readonly selling: boolean;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly available: number;
  readonly claimed: number;
  readonly perBuyerLimit: number;
  readonly winLimit: number;
}

export interface GateClaimState {
  readonly itemId: string;
  readonly claimId: string;
  readonly buyerId: string;
  readonly quantity: number;
}

/** Everything a gate needs to know of a series, as of one moment in Postgres. */
export interface GateSnapshot {
  readonly epoch: bigint;
  readonly items: readonly GateItemState[];
  readonly claims: readonly GateClaimState[];
  readonly wins: readonly { readonly buyerId: string; readonly wins: number }[];
}

export interface SeriesToReload {
  readonly seriesId: string;
  readonly epoch: bigint;
}

export class GateStateRepository {
  constructor(private readonly database: Database) {}

  /**
   * Takes the next epoch for the gate of server `runId` and reads its content, in one transaction: from its commit on,
   * no claim admitted under an earlier epoch is accepted, so the snapshot stays true until the gate opens. Undefined
   * when the series is past `observedEpoch`.
   */
  async beginLoad(
    seriesId: string,
    runId: string,
    observedEpoch: bigint | undefined,
  ): Promise<GateSnapshot | undefined> {
    return this.database.transaction(async (tx) => {
      const epoch = await this.nextEpoch(tx, seriesId, 'GATE', runId, observedEpoch);
      if (epoch === undefined) return undefined;
      const items = await tx.query<GateItemRow>(
        `select i.item_id, i.selling, i.quota - i.held - i.sold - i.written_off as available, i.held + i.sold as claimed,
                i.per_buyer_limit, coalesce(r.win_limit, 0) as win_limit,
                extract(epoch from r.opens_at) * 1000 as opens_at_ms, extract(epoch from r.closes_at) * 1000 as closes_at_ms
         from round_items i join rounds r using (round_id)
         where i.series_id = $1 and r.status in ${LIVE}`,
        [seriesId],
      );
      const claims = await tx.query<GateClaimRow>(
        `select item_id, claim_id, buyer_id,
                case when status in ('AWAITING_PAYMENT', 'PAID') then quantity else 0 end as quantity
         from orders where item_id = any($1)`,
        [items.map((item) => item.item_id)],
      );
      const wins = await tx.query<{ buyer_id: string; wins: number }>(
        `select buyer_id, wins from series_wins where series_id = $1 and wins > 0 and $2::boolean`,
        [seriesId, items.some((item) => item.win_limit > 0)],
      );
      // The rows of returns committed so far are part of the snapshot: applying them again would find nothing to do.
      await tx.query(`delete from gate_returns where series_id = $1`, [seriesId]);
      return {
        epoch,
        items: items.map((item) => ({
          itemId: item.item_id,
          selling: item.selling,
          opensAtMs: Math.round(Number(item.opens_at_ms)),
          closesAtMs: Math.round(Number(item.closes_at_ms)),
          available: item.available,
          claimed: item.claimed,
          perBuyerLimit: item.per_buyer_limit,
          winLimit: item.win_limit,
        })),
        claims: claims.map((claim) => ({
          itemId: claim.item_id,
          claimId: claim.claim_id,
          buyerId: claim.buyer_id,
          quantity: claim.quantity,
        })),
        wins: wins.map((row) => ({ buyerId: row.buyer_id, wins: row.wins })),
      };
    });
  }

  /** Lets claims of the series go straight to Postgres. False when another process has moved the series on. */
  async goDirect(seriesId: string, observedEpoch: bigint | undefined): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const epoch = await this.nextEpoch(tx, seriesId, 'DIRECT', null, observedEpoch);
      if (epoch !== undefined) await tx.query(`delete from gate_returns where series_id = $1`, [seriesId]);
      return epoch !== undefined;
    });
  }

  /**
   * Live series whose gate is not the one of server `runId`: those in DIRECT admission for at least `restMs`, and those
   * loaded into another server.
   */
  async seriesToReload(runId: string, restMs: number): Promise<SeriesToReload[]> {
    const rows = await this.database.query<{ series_id: string; epoch: string | number | bigint }>(
      `select s.series_id, s.epoch from series s
       where exists (select 1 from rounds r where r.series_id = s.series_id and r.status in ('WARMED', 'OPEN', 'SOLD_OUT'))
         and ((s.admission = 'DIRECT' and s.admission_changed_at < clock_timestamp() - make_interval(secs => $2 / 1000.0))
              or (s.admission = 'GATE' and s.gate_run_id is distinct from $1))
       order by s.series_id limit 100`,
      [runId, restMs],
    );
    return rows.map((row) => ({ seriesId: row.series_id, epoch: BigInt(row.epoch) }));
  }

  /**
   * Moves the series past an epoch that Postgres does not know: a failover lost it, while Redis kept it. True when the
   * series had been behind.
   */
  async passEpoch(seriesId: string, lostEpoch: bigint): Promise<boolean> {
    const rows = await this.database.query(
      `update series set epoch = $2 where series_id = $1 and epoch < $2 returning 1`,
      [seriesId, String(lostEpoch)],
    );
    return rows.length > 0;
  }

  /** The present admission of the series. */
  async admissionOf(seriesId: string): Promise<(GateInForce & { admission: 'GATE' | 'DIRECT' }) | undefined> {
    const [row] = await this.database.query<AdmissionRow>(
      `select admission, epoch, gate_run_id from series where series_id = $1`,
      [seriesId],
    );
    return row && { admission: row.admission, epoch: BigInt(row.epoch), runId: row.gate_run_id ?? undefined };
  }

  private async nextEpoch(
    tx: Tx,
    seriesId: string,
    admission: 'GATE' | 'DIRECT',
    runId: string | null,
    observedEpoch: bigint | undefined,
  ): Promise<bigint | undefined> {
    const [row] = await tx.query<{ epoch: string | number | bigint }>(
      `update series set epoch = epoch + 1, admission = $2, gate_run_id = $3, admission_changed_at = clock_timestamp()
       where series_id = $1 and ($4::bigint is null or epoch = $4) returning epoch`,
      [seriesId, admission, runId, observedEpoch === undefined ? null : String(observedEpoch)],
    );
    if (row === undefined) return undefined;
    await tx.query(
      `select 1 from round_items i join rounds r using (round_id)
       where i.series_id = $1 and r.status in ${LIVE} order by i.item_id for no key update of i`,
      [seriesId],
    );
    await tx.query(
      `update round_items i set epoch = $2, admission = $3 from rounds r
       where r.round_id = i.round_id and i.series_id = $1 and r.status in ${LIVE}`,
      [seriesId, String(row.epoch), admission],
    );
    return BigInt(row.epoch);
  }
}

interface AdmissionRow {
  readonly admission: 'GATE' | 'DIRECT';
  readonly epoch: string | number | bigint;
  readonly gate_run_id: string | null;
}

interface GateItemRow {
  readonly item_id: string;
  readonly selling: boolean;
  readonly available: number;
  readonly claimed: number;
  readonly per_buyer_limit: number;
  readonly win_limit: number;
  readonly opens_at_ms: string | number;
  readonly closes_at_ms: string | number;
}

interface GateClaimRow {
  readonly item_id: string;
  readonly claim_id: string;
  readonly buyer_id: string;
  readonly quantity: number;
}
