// Claims that were let in gather here, and each batch is decided by one statement (see 0002-decide-claims.sql.ts).
import { EVENTS } from '@gravity/contracts';
import { toRfc3339 } from '@gravity/kernel';
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
  readonly existing_item_id: string | null;
}

const SKEWED_CLOCK = 'GV001';
const ONE_ORDER_PER_CLAIM = 'orders_claim';
// Not a plain SELECT: it writes, so a lost connection leaves its outcome unknown.
const DECIDE = `with decided as materialized (
  select * from decide_claims($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::bigint[], $7::bigint[],
    $8::text[], $9::text[], string_to_array($10, e'\\x1e'), $11::text[], $12, $13, $14::text[], $15::timestamptz))
  select * from decided order by ordinal`;
const PLACED = 'orders.order.placed.v1';
/** Between payloads: a control character, which JSON text never contains. Spares escaping every quote of them. */
const SEPARATOR = '\x1e';

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
      const { code, constraint } = error as { code?: string; constraint?: string };
      if (code === SKEWED_CLOCK) await this.clock.anchor();
      // Another process has just accepted the same claim for another item, so no common lock kept us apart: now it is
      // there to be found.
      else if (constraint !== ONE_ORDER_PER_CLAIM) throw error;
      return this.decideAt(batch, this.clock.nowMs());
    }
  }

  private async decideAt(batch: readonly ClaimCommand[], nowMs: number): Promise<ClaimDecision[]> {
    const rows = await this.database.query<DecisionRow>(
      DECIDE,
      [
        plainArray(batch, (c) => c.claimId),
        plainArray(batch, (c) => c.orderId),
        plainArray(batch, (c) => c.item.itemId),
        batch.map((c) => c.buyerId),
        plainArray(batch, (c) => c.quantity),
        plainArray(batch, (c) => c.epoch),
        plainArray(batch, (c) => c.admissionNumber),
        plainArray(batch, (c) => c.fingerprint),
        plainArray(batch, (c) => c.regionCode),
        batch.map((c) => orderPlacedPayload(c, nowMs)).join(SEPARATOR),
        plainArray(batch, (c) => c.traceparent ?? null),
        EVENTS[PLACED].topic,
        PLACED,
        plainArray(batch, (c) => c.orderKey),
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
        return {
          outcome: 'REPLAYED',
          orderId: row.existing_order_id!,
          itemId: row.existing_item_id!,
          fingerprint: row.existing_fingerprint!,
          live: row.existing_live === true,
        };
      }
      return { outcome: row.outcome };
    });
    if (committed) this.options.onCommitted();
    return decisions;
  }
}

/** An array literal of ids, numbers and words: values that need no quotes. Several times cheaper than a quoted one. */
function plainArray(
  batch: readonly ClaimCommand[],
  value: (claim: ClaimCommand) => string | number | bigint | null,
): string {
  let literal = '{';
  for (const claim of batch) literal += `${literal.length === 1 ? '' : ','}${value(claim) ?? 'NULL'}`;
  return `${literal}}`;
}
