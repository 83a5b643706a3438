// Claims that were let in gather here, and each batch is decided by one statement (see decide-claims.sql.ts).
import { EVENTS } from '@gravity/contracts';
import { assert, toRfc3339 } from '@gravity/kernel';
import { type Database, GroupCommit, note } from '@gravity/persistence';
import type { ClaimCommand, ClaimDecision, Refused } from './claim-command';
import { orderPlacedPayload } from './order-placed-payload';
import type { ServerClock } from './server-clock';

export interface ClaimDeciderOptions {
  readonly batchMax: number;
  /** Claims that may wait before {@link ClaimDecider.isFull} says so. */
  readonly queueMax: number;
  /** Called after a batch with at least one new order is committed, with the whole batch. */
  readonly onCommitted: (batch: readonly ClaimCommand[]) => void;
}

/** The row of ordinal 0 counts the accepted claims; each other one says why the claim at its place, from 1, is not. */
interface DecisionRow {
  readonly ordinal: number;
  readonly accepted: number | null;
  readonly outcome: 'REPLAYED' | Refused;
  readonly existing_order_id: string | null;
  readonly existing_fingerprint: string | null;
  readonly existing_live: boolean | null;
  readonly existing_item_id: string | null;
}

const SKEWED_CLOCK = 'GV001';
const ONE_ORDER_PER_CLAIM = 'orders_claim';
// Does not begin as a SELECT: it writes, so a lost connection leaves its outcome unknown.
const DECIDE = `/* writes */ select * from decide_claims($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::bigint[],
  $7::bigint[], $8::text[], $9::text[], string_to_array($10, e'\\x1e'), $11::text[], $12, $13, $14::text[],
  $15::timestamptz)`;
const PLACED = 'orders.order.placed.v1';
/** Longer than a claim waits for its answer when 256 clients ask without a pause (median 61 ms). */
const DECISION_IS_STUCK_MS = 100;
/**
 * Claims that the gate admitted before the queue was full have room beyond it. Each of them holds a unit, which would
 * stay with a refused claim until the sweeper finds it.
 */
const ROOM_FOR_LET_IN = 100_000;
/** Separates payloads: a control character, which JSON text never contains. So no quote needs escaping. */
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
      batchMax: options.batchMax,
      queueMax: options.queueMax + ROOM_FOR_LET_IN,
      // Fewer, larger batches: of one item, a second would only wait for the first one's lock. Postgres decides a claim in
      // about half the time that this process spends on it, so one at a time is enough unless it is stuck.
      inFlightMax: 2,
      overlapAfterMs: DECISION_IS_STUCK_MS,
      // A repeated batch finds its own orders and is answered REPLAYED: repeating is safe even after a lost answer.
      idempotent: true,
      execute: (batch) => this.decideWanted(batch),
    });
  }

  /** True when the queue is full. Check it before asking the gate: a claim that the gate admits has to be decided. */
  get isFull(): boolean {
    return this.commands.depth >= this.options.queueMax;
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

  /**
   * Claims may have waited behind a database that did not answer. A caller that has left asks again, perhaps another
   * process, and may be refused there. No caller would learn of an order made now.
   */
  private async decideWanted(batch: readonly ClaimCommand[]): Promise<readonly ClaimDecision[]> {
    const wanted = batch.filter(({ aborted }) => aborted?.() !== true);
    if (wanted.length === batch.length) return this.decide(batch);
    const decisions = wanted.length > 0 ? await this.decide(wanted) : [];
    const byClaim = new Map(wanted.map((command, index) => [command, decisions[index]!]));
    return batch.map((command) => byClaim.get(command) ?? { outcome: 'ABORTED' });
  }

  private async decide(batch: readonly ClaimCommand[]): Promise<ClaimDecision[]> {
    if (!this.clock.isAnchored) await this.clock.anchor();
    try {
      return await this.decideAt(batch, this.clock.nowMs());
    } catch (error) {
      const { code, constraint } = error as { code?: string; constraint?: string };
      if (code === SKEWED_CLOCK) await this.clock.anchor();
      // Another process has just accepted the same claim for another item, so no common lock separated the two. Now its
      // row is visible.
      else if (constraint !== ONE_ORDER_PER_CLAIM) throw error;
    }
    try {
      return await this.decideAt(batch, this.clock.nowMs());
    } catch (error) {
      // The clock is right by now, so statements take seconds to arrive. This statement wrote nothing.
      throw (error as { code?: string }).code === SKEWED_CLOCK ? note(error, 'unavailable') : error;
    }
  }

  private async decideAt(batch: readonly ClaimCommand[], nowMs: number): Promise<ClaimDecision[]> {
    const rows = await this.database.query<DecisionRow>(
      DECIDE,
      [
        plainArray(batch, (c) => c.claimId),
        plainArray(batch, (c) => c.orderId),
        plainArray(batch, (c) => c.item.itemId),
        quotedArray(batch.map((c) => c.buyerId)),
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
    const refused = rows.filter(({ ordinal }) => ordinal > 0);
    const accepted = rows.find(({ ordinal }) => ordinal === 0)!.accepted!;
    assert(accepted + refused.length === batch.length, 'every claim of a batch is accepted or told why not');
    const decisions = batch.map((claim): ClaimDecision => {
      return { outcome: 'ACCEPTED', placedAtMs: nowMs, expiresAtMs: nowMs + claim.paymentWindowMs };
    });
    for (const row of refused) decisions[row.ordinal - 1] = decisionOf(row);
    if (accepted > 0) this.options.onCommitted(batch);
    return decisions;
  }
}

function decisionOf(row: DecisionRow): ClaimDecision {
  if (row.outcome !== 'REPLAYED') return { outcome: row.outcome };
  return {
    outcome: 'REPLAYED',
    orderId: row.existing_order_id!,
    itemId: row.existing_item_id!,
    fingerprint: row.existing_fingerprint!,
    live: row.existing_live === true,
  };
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

/** An array literal of any texts. */
function quotedArray(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`).join(',')}}`;
}
