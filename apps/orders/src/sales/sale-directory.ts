// The facts of a round for the claim path, cached for a moment. The gate and Postgres judge again, and a claim that
// meets a newer epoch has the round read again.
import { type Currency, idFromUuid } from '@gravity/kernel';
import type { Database } from '@gravity/persistence';
import { LRUCache } from 'lru-cache';
import type { AdmissionOrderName, RoundStatus } from '../domain/round';
import { SOLD_OUT_FLAG_MS } from '../gate/gate-scripts';

/** A round's facts are at most this old when a claim is judged by them. */
const FRESH_MS = 500;
const ROUNDS_MAX = 10_000;

export interface SaleItem {
  readonly itemId: string;
  readonly seriesId: string;
  readonly roundId: string;
  readonly skuId: string;
  readonly shopId: string;
  readonly merchantId: string;
  readonly title: string;
  readonly priceMinor: bigint;
  readonly currency: Currency;
  readonly priceVersionId: string;
  readonly perOrderLimit: number;
  readonly regions: ReadonlySet<string> | undefined;
  readonly epoch: bigint;
  readonly admission: 'GATE' | 'DIRECT';
  /** The same ids as they stand on the wire. */
  readonly wire: {
    readonly itemId: string;
    readonly seriesId: string;
    readonly roundId: string;
    readonly skuId: string;
    readonly shopId: string;
    readonly merchantId: string;
    readonly priceVersionId: string;
  };
}

export interface SaleRound {
  readonly roundId: string;
  readonly seriesId: string;
  readonly status: RoundStatus;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly paymentWindowMs: number;
  readonly stopped: boolean;
  readonly admissionOrder: AdmissionOrderName;
  /** The server that holds the series' gate. */
  readonly gateRunId: string | undefined;
  /** While the admission is DIRECT, Postgres alone may decide from this moment of the monotonic clock on. */
  readonly directFromMs: number;
  /** By wire id. */
  readonly items: ReadonlyMap<string, SaleItem>;
}

interface Entry {
  readonly round: SaleRound | undefined;
  readonly readAt: number;
  refreshing: boolean;
}

export class SaleDirectory {
  private readonly entries = new LRUCache<string, Entry>({ max: ROUNDS_MAX });
  private readonly reads = new Map<string, Promise<SaleRound | undefined>>();

  constructor(
    private readonly database: Database,
    private readonly monotonic: () => number,
  ) {}

  /** The round, at most half a second old; older facts serve once more while they are read anew. */
  get(roundId: string): SaleRound | undefined | Promise<SaleRound | undefined> {
    const entry = this.entries.get(roundId);
    if (entry === undefined) return this.refresh(roundId);
    const age = this.monotonic() - entry.readAt;
    if (age > 2 * FRESH_MS) return this.refresh(roundId);
    if (age > FRESH_MS && !entry.refreshing) {
      entry.refreshing = true;
      // The next claim repeats a failed read, waits for it, and gets its error.
      this.refresh(roundId).catch(() => undefined);
    }
    return entry.round;
  }

  /** Reads the round now; callers at the same time share one read. */
  refresh(roundId: string): Promise<SaleRound | undefined> {
    const running = this.reads.get(roundId);
    if (running !== undefined) return running;
    const read = this.read(roundId).finally(() => this.reads.delete(roundId));
    this.reads.set(roundId, read);
    return read;
  }

  /**
   * The round as it is after this call began: a read that was under way may have seen it before a switch that is over
   * by now, and its answer may be late.
   */
  async readAnew(roundId: string): Promise<SaleRound | undefined> {
    await this.reads.get(roundId)?.catch(() => undefined);
    return this.refresh(roundId);
  }

  /** Time that a claim in DIRECT admission has to wait, in ms: until no sold-out flag of the earlier gate can stand. */
  directWaitMs(round: SaleRound): number {
    return Math.max(0, Math.ceil(round.directFromMs - this.monotonic()));
  }

  private async read(roundId: string): Promise<SaleRound | undefined> {
    const readAt = this.monotonic();
    const rows = await this.database.query<SaleRow>(
      `select r.round_id, r.series_id, r.status, r.payment_window_seconds, r.stopped_reason is not null as stopped,
              extract(epoch from r.opens_at) * 1000 as opens_at_ms, extract(epoch from r.closes_at) * 1000 as closes_at_ms,
              s.gate_run_id, s.admission_order, i.item_id, i.sku_id, i.shop_id, i.merchant_id, i.title, i.price_minor::text as price_minor,
              i.currency, i.price_version_id, i.per_order_limit, i.regions, i.epoch::text as epoch, i.admission
       from rounds r join series s using (series_id) join round_items i using (round_id)
       where r.round_id = $1 order by i.position`,
      [roundId],
      'sale-directory',
    );
    const round = roundOf(rows, this.directFromMs(roundId, rows));
    this.entries.set(roundId, { round, readAt, refreshing: false });
    return round;
  }

  /** The first reading of a switch to DIRECT may be late, but never earlier than its commit. */
  private directFromMs(roundId: string, [row]: readonly SaleRow[]): number {
    const known = this.entries.get(roundId)?.round;
    const [item] = known?.items.values() ?? [];
    if (known !== undefined && item?.admission === 'DIRECT' && String(item.epoch) === row?.epoch)
      return known.directFromMs;
    return this.monotonic() + SOLD_OUT_FLAG_MS;
  }
}

interface SaleRow {
  readonly round_id: string;
  readonly series_id: string;
  readonly status: RoundStatus;
  readonly payment_window_seconds: number;
  readonly stopped: boolean;
  readonly opens_at_ms: string | number;
  readonly closes_at_ms: string | number;
  readonly gate_run_id: string | null;
  readonly admission_order: AdmissionOrderName;
  readonly item_id: string;
  readonly sku_id: string;
  readonly shop_id: string;
  readonly merchant_id: string;
  readonly title: string;
  readonly price_minor: string;
  readonly currency: Currency;
  readonly price_version_id: string;
  readonly per_order_limit: number;
  readonly regions: string[] | null;
  readonly epoch: string;
  readonly admission: 'GATE' | 'DIRECT';
}

function roundOf(rows: readonly SaleRow[], directFromMs: number): SaleRound | undefined {
  const [first] = rows;
  if (first === undefined) return undefined;
  return {
    roundId: first.round_id,
    seriesId: first.series_id,
    status: first.status,
    opensAtMs: Math.round(Number(first.opens_at_ms)),
    closesAtMs: Math.round(Number(first.closes_at_ms)),
    paymentWindowMs: first.payment_window_seconds * 1_000,
    stopped: first.stopped,
    admissionOrder: first.admission_order,
    gateRunId: first.gate_run_id ?? undefined,
    directFromMs,
    items: new Map(rows.map((row) => [idFromUuid('item', row.item_id), itemOf(row)])),
  };
}

function itemOf(row: SaleRow): SaleItem {
  return {
    itemId: row.item_id,
    seriesId: row.series_id,
    roundId: row.round_id,
    skuId: row.sku_id,
    shopId: row.shop_id,
    merchantId: row.merchant_id,
    title: row.title,
    priceMinor: BigInt(row.price_minor),
    currency: row.currency,
    priceVersionId: row.price_version_id,
    perOrderLimit: row.per_order_limit,
    regions: row.regions === null ? undefined : new Set(row.regions),
    epoch: BigInt(row.epoch),
    admission: row.admission,
    wire: {
      itemId: idFromUuid('item', row.item_id),
      seriesId: idFromUuid('series', row.series_id),
      roundId: idFromUuid('round', row.round_id),
      skuId: idFromUuid('sku', row.sku_id),
      shopId: idFromUuid('shop', row.shop_id),
      merchantId: idFromUuid('merchant', row.merchant_id),
      priceVersionId: idFromUuid('price', row.price_version_id),
    },
  };
}
