// The answer to an accepted claim: the order as it was placed. A repeated request gets the same answer, also when the
// order has changed since.
import { type Problem, refuse } from '@gravity/contracts';
import { type Result, ok, toRfc3339 } from '@gravity/kernel';
import { Database, GroupCommit } from '@gravity/persistence';
import { Injectable } from '@nestjs/common';
import type { ClaimDecision } from '../../decision/claim-command';
import { type OrderView, orderView } from '../../order-view';
import type { SaleItem } from '../../sales/sale-directory';
import { ORDER_COLUMNS, type OrderRow, orderFromRow } from '../../storage/order-rows';

export interface PlacedClaim {
  readonly order: OrderView;
  /** True when this is the stored answer of an earlier request with the same key. */
  readonly replayed: boolean;
}

/** The identity of a request for its answer. */
export interface ClaimKey {
  readonly request: { readonly buyerId: string; readonly quantity: number };
  readonly claimId: string;
  readonly fingerprint: string;
  readonly orderId: string;
  /** The order id on the wire. */
  readonly orderKey: string;
}

interface KnownClaim {
  readonly orderId: string;
  readonly fingerprint: string;
}

const LOOKUPS_PER_BATCH = 500;
const LOOKUPS_QUEUED = 50_000;

@Injectable()
export class PlacedClaims {
  private readonly lookups: GroupCommit<string, KnownClaim | undefined>;

  constructor(private readonly database: Database) {
    this.lookups = new GroupCommit({
      name: 'claim-lookups',
      batchMax: LOOKUPS_PER_BATCH,
      queueMax: LOOKUPS_QUEUED,
      inFlightMax: 2,
      idempotent: true,
      execute: (claimIds) => this.lookUp(claimIds),
    });
  }

  /** The answer to a claim accepted just now. */
  fresh(key: ClaimKey, item: SaleItem, placedAtMs: number, expiresAtMs: number): PlacedClaim {
    const { quantity, buyerId } = key.request;
    const unitPrice = { amount: Number(item.priceMinor), currency: item.currency };
    const order: OrderView = {
      orderId: key.orderKey,
      status: 'AWAITING_PAYMENT',
      roundId: item.wire.roundId,
      itemId: item.wire.itemId,
      seriesId: item.wire.seriesId,
      buyerId,
      merchantId: item.wire.merchantId,
      shopId: item.wire.shopId,
      quantity,
      lines: [{ skuId: item.wire.skuId, title: item.title, quantity, unitPrice }],
      total: { amount: unitPrice.amount * quantity, currency: item.currency },
      placedAt: toRfc3339(placedAtMs),
      expiresAt: toRfc3339(expiresAtMs),
      version: 1,
    };
    return { order, replayed: false };
  }

  /** The answer to a request whose claim was decided before: the first answer, or 422 for another body. */
  async replay(
    key: ClaimKey,
    decision: ClaimDecision & { outcome: 'REPLAYED' },
  ): Promise<Result<PlacedClaim, Problem>> {
    return this.answerOf(key, decision);
  }

  /** The answer of an earlier accepted request with the same key, if there is one. */
  async find(key: ClaimKey): Promise<Result<PlacedClaim, Problem> | undefined> {
    const known = await this.lookups.submit(key.claimId);
    return known === undefined ? undefined : this.answerOf(key, known);
  }

  private async answerOf(key: ClaimKey, known: KnownClaim): Promise<Result<PlacedClaim, Problem>> {
    if (known.fingerprint !== key.fingerprint) {
      return refuse(
        'idempotency-key-reused',
        'This Idempotency-Key belongs to another claim. Use a new key for a new claim.',
      );
    }
    const [row] = await this.database.query<OrderRow>(
      `select ${ORDER_COLUMNS} from orders o where o.order_id = $1`,
      [known.orderId],
      'placed-claim',
    );
    const { paidAtMs: _paid, closedAtMs: _closed, closeReason: _reason, ...order } = orderFromRow(row!);
    const first = orderView({ ...order, status: 'AWAITING_PAYMENT', sequence: 1 });
    // A batch that is repeated after a lost answer finds its own order ids. For the caller that is no replay.
    return ok({ order: first, replayed: known.orderId !== key.orderId });
  }

  private async lookUp(claimIds: readonly string[]): Promise<(KnownClaim | undefined)[]> {
    const rows = await this.database.query<{ claim_id: string; order_id: string; fingerprint: string }>(
      `select claim_id, order_id, fingerprint from orders where claim_id = any($1::uuid[])`,
      [claimIds],
      'claim-lookups',
    );
    const known = new Map(rows.map((row) => [row.claim_id, { orderId: row.order_id, fingerprint: row.fingerprint }]));
    return claimIds.map((claimId) => known.get(claimId));
  }
}
