// Settles claims that the gate admitted and whose process never reported back. The item's lock decides between the
// claim's own late commit and the tombstone: the first one stands, and the other one finds it.
import type { Database } from '@gravity/persistence';
import { Loop } from '@gravity/service';
import { GateUnavailable } from './gate-connection';
import { type RedisGate, STALE_PER_LOOK, type StaleNote } from './redis-gate';

/** A decision takes milliseconds; after this long its process is gone, stopped, or cut off. */
export const PENDING_GRACE_MS = 5_000;

/** Pause after a full look, in case its claims do not go away. */
const MORE_AFTER_MS = 10;

interface LiveItem {
  readonly series_id: string;
  readonly item_id: string;
}

export class PendingSweeper extends Loop {
  constructor(
    private readonly database: Database,
    private readonly gate: RedisGate,
    private readonly graceMs: number = PENDING_GRACE_MS,
    private readonly onSwept: (units: number) => void = () => undefined,
  ) {
    super({ name: 'gate-pending', pauseMs: 1_000 });
  }

  protected override async turn(): Promise<number | void> {
    const items = await this.database.query<LiveItem>(
      `select i.series_id, i.item_id from round_items i join rounds r using (round_id)
       where r.status in ('WARMED', 'OPEN', 'SOLD_OUT', 'CLOSED') and i.admission = 'GATE' and i.epoch > 0
         and r.closes_at > clock_timestamp() - interval '10 minutes'
       order by i.item_id limit 1000`,
    );
    let more = false;
    try {
      for (const item of items) {
        const stale = await this.gate.stalePending(item.series_id, item.item_id, this.graceMs);
        if (stale.length > 0) await this.settle(item, stale);
        more ||= stale.length === STALE_PER_LOOK;
      }
    } catch (error) {
      if (!(error instanceof GateUnavailable)) throw error;
    }
    if (more) return MORE_AFTER_MS;
  }

  private async settle(item: LiveItem, stale: readonly StaleNote[]): Promise<void> {
    const claimIds = stale.map((note) => note.claimId);
    const committed = await this.database.transaction(async (tx) => {
      await tx.query(`select 1 from round_items where item_id = $1 for no key update`, [item.item_id]);
      const orders = await tx.query<{ claim_id: string; live: boolean }>(
        // By item as well: a key used again for another item is admitted there, and finds its first order.
        `select claim_id, status in ('AWAITING_PAYMENT', 'PAID') as live from orders
         where claim_id = any($1::uuid[]) and item_id = $2
         union all select claim_id, true from late_payments where claim_id = any($1::uuid[]) and decision = 'HONOURED'`,
        [claimIds, item.item_id],
      );
      const found = new Map(orders.map((order) => [order.claim_id, order.live]));
      const dead = stale.filter((note) => !found.has(note.claimId));
      await tx.query(
        `insert into claim_tombstones (claim_id, epoch, admission_number)
         select * from unnest($1::uuid[], $2::bigint[], $3::bigint[]) on conflict do nothing`,
        [
          dead.map((note) => note.claimId),
          dead.map((note) => String(note.epoch)),
          dead.map((note) => note.admissionNumber),
        ],
      );
      return found;
    });
    await Promise.all(
      stale.map((note) => {
        const live = committed.get(note.claimId);
        const verdict = live === undefined ? 'cancelled' : live ? 'confirmed' : 'released';
        const admission = { epoch: note.epoch, number: note.admissionNumber };
        return this.gate.report(item.series_id, item.item_id, note.claimId, admission, verdict);
      }),
    );
    this.onSwept(stale.filter((note) => !committed.has(note.claimId)).reduce((sum, note) => sum + note.quantity, 0));
  }
}
