// Claims that were let in gather here, and each batch is decided by one statement (see 0002-decide-claims.sql.ts).
import { EVENTS } from '@gravity/contracts';
import { newUuid, toRfc3339 } from '@gravity/kernel';
import { type Database, GroupCommit } from '@gravity/persistence';
import type { ClaimCommand, ClaimDecision, Refused } from './claim-command';
import { orderPlacedPayload } from './order-placed-payload';
import type { ServerClock } from './server-clock';

export interface ClaimDeciderOptions {
  readonly maxBatch: number;
  readonly maxQueue: number;
  /** Called after a batch with at least one new order is committed. */
  readonly onCommitted: () => void;
}

interface DecisionRow {
  readonly ordinal: number;
  readonly outcome: 'ACCEPTED' | 'REPLAYED' | Refused;
  readonly existing_order_id: string | null;
  readonly existing_fingerprint: string | null;
  readonly existing_live: boolean | null;
}

const SKEWED_CLOCK = 'GV001';
// Not a plain SELECT: it writes, so a lost connection leaves its outcome unknown.
const DECIDE = `with decided as materialized (
  select * from decide_claims($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::bigint[], $7::bigint[],
    $8::text[], $9::text[], $10::uuid[], $11::text[], $12::text[], $13, $14, $15::text[], $16::timestamptz))
  select * from decided order by ordinal`;
const PLACED = 'orders.order.placed.v1';

export class ClaimDecider {
  private readonly commands: GroupCommit<ClaimCommand, ClaimDecision>;

  constructor(
    private readonly database: Database,
    private readonly clock: ServerClock,
    private readonly options: ClaimDeciderOptions,
  ) {
    this.commands = new GroupCommit<ClaimCommand, ClaimDecision>({
      name: 'claim-decisions',
      maxBatch: options.maxBatch,
      maxQueue: options.maxQueue,
      maxInFlight: 1,
      // A repeated batch finds its own orders and is answered REPLAYED: repeating is safe even after a lost answer.
      idempotent: true,
      execute: (batch) => this.decide(batch),
    });
  }

  /** Decides one claim. The promise resolves after the commit. Throws QueueFullError and database errors. */
  submit(command: ClaimCommand): Promise<ClaimDecision> {
    return this.commands.submit(command);
  }

  /** Claims waiting for a batch. */
  get depth(): number {
    return this.commands.depth;
  }

  /** Resolves when nothing is waiting or under way. */
  drain(): Promise<void> {
    return this.commands.drain();
  }

  private async decide(batch: readonly ClaimCommand[]): Promise<ClaimDecision[]> {
    if (!this.clock.isAnchored) await this.clock.anchor();
    try {
      return await this.decideAt(batch, this.clock.nowMs());
    } catch (error) {
      if ((error as { code?: string }).code !== SKEWED_CLOCK) throw error;
      await this.clock.anchor();
      return this.decideAt(batch, this.clock.nowMs());
    }
  }

  private async decideAt(batch: readonly ClaimCommand[], nowMs: number): Promise<ClaimDecision[]> {
    const rows = await this.database.query<DecisionRow>(
      DECIDE,
      [
        batch.map((c) => c.claimId),
        batch.map((c) => c.orderId),
        batch.map((c) => c.item.itemId),
        batch.map((c) => c.buyerId),
        batch.map((c) => c.quantity),
        batch.map((c) => (c.epoch === null ? null : String(c.epoch))),
        batch.map((c) => c.admissionNumber),
        batch.map((c) => c.fingerprint),
        batch.map((c) => c.regionCode),
        batch.map(() => newUuid()),
        batch.map((c) => orderPlacedPayload(c, nowMs)),
        batch.map((c) => c.traceparent ?? null),
        EVENTS[PLACED].topic,
        PLACED,
        batch.map((c) => c.orderKey),
        toRfc3339(nowMs),
      ],
      'decide-claims',
    );
    let committed = false;
    const decisions = rows.map((row, index): ClaimDecision => {
      const command = batch[index]!;
      if (row.outcome === 'ACCEPTED') {
        committed = true;
        return { outcome: 'ACCEPTED', placedAtMs: nowMs, expiresAtMs: nowMs + command.paymentWindowMs };
      }
      if (row.outcome === 'REPLAYED') {
        const { existing_order_id, existing_fingerprint, existing_live } = row;
        return {
          outcome: 'REPLAYED',
          orderId: existing_order_id!,
          fingerprint: existing_fingerprint!,
          live: existing_live === true,
        };
      }
      return { outcome: row.outcome };
    });
    if (committed) this.options.onCommitted();
    return decisions;
  }
}
