// Looks at both sides of the conservation equation. They live in two systems and are never read at the same instant, so
// the gate is read twice with Postgres in between: when both readings of an item are equal, the gate did not change while
// Postgres was read, and the comparison is exact. When they differ, the look proves nothing.
import { Injectable } from '@nestjs/common';
import { Database } from '@gravity/persistence';
import { type ConservationVerdict, judgeConservation } from '../../domain/conservation';
import { GateControl, type GateItemView } from '../../gate/gate-control';
import {
  type LedgerItem,
  type PendingClaim,
  readLedger,
  type WatchedItem,
} from '../../storage/conservation.repository';

/** The reason why a look has no gate side. */
export type GateAbsence =
  'direct-admission' | 'redis-unavailable' | 'not-loaded' | 'loading' | 'other-epoch' | 'not-on-sale';

export interface ItemLook {
  readonly item: WatchedItem;
  readonly ledger: LedgerItem;
  readonly gate?: GateItemView;
  readonly absence?: GateAbsence;
  /** True when the gate did not change while Postgres was read. Without a gate the look is exact too. */
  readonly still: boolean;
  readonly verdict: ConservationVerdict;
}

type Views = ReadonlyMap<string, GateItemView> | undefined;

@Injectable()
export class ConservationCheck {
  constructor(
    private readonly database: Database,
    private readonly gate: GateControl,
  ) {}

  /** One look at the items of one series. */
  async look(items: readonly WatchedItem[], countOrders: boolean): Promise<ItemLook[]> {
    const seriesId = items[0]?.seriesId;
    if (seriesId === undefined) return [];
    // A closed round has left the gate; only its rows are compared.
    const atGate = items.filter((item) => GATE_STATUSES.has(item.roundStatus)).map((item) => item.itemId);
    const before = await this.view(seriesId, atGate);
    const ids = items.map((item) => item.itemId);
    const ledger = await readLedger(this.database, ids, pendingOf(before), countOrders);
    const after = await this.view(seriesId, atGate);
    return items.flatMap((item) => {
      const row = ledger.get(item.itemId);
      return row === undefined ? [] : [lookAt(item, row, before, after)];
    });
  }

  /** Repeats the look until every item stood still, at most `attempts` times; the last look counts. */
  async lookUntilStill(items: readonly WatchedItem[], attempts: number): Promise<ItemLook[]> {
    let looks = await this.look(items, true);
    for (let attempt = 1; attempt < attempts && looks.some((look) => !look.still || !look.verdict.ok); attempt += 1) {
      looks = await this.look(items, true);
    }
    return looks;
  }

  private async view(seriesId: string, itemIds: readonly string[]): Promise<Views> {
    return itemIds.length === 0 ? new Map() : this.gate.view(seriesId, itemIds);
  }
}

const GATE_STATUSES: ReadonlySet<string> = new Set(['WARMED', 'OPEN', 'SOLD_OUT']);

function lookAt(item: WatchedItem, ledger: LedgerItem, before: Views, after: Views): ItemLook {
  const absence = absenceOf(item, ledger, before, after);
  if (absence !== undefined) {
    return { item, ledger, absence, still: true, verdict: judgeConservation(ledger, undefined) };
  }
  const gate = before!.get(item.itemId)!;
  const still = sameView(gate, after!.get(item.itemId)!);
  return { item, ledger, gate, still, verdict: judgeConservation(ledger, gate) };
}

function absenceOf(item: WatchedItem, ledger: LedgerItem, before: Views, after: Views): GateAbsence | undefined {
  if (!GATE_STATUSES.has(item.roundStatus)) return 'not-on-sale';
  if (ledger.admission === 'DIRECT') return 'direct-admission';
  if (before === undefined || after === undefined) return 'redis-unavailable';
  const views = [before.get(item.itemId), after.get(item.itemId)];
  if (views.some((view) => view === undefined)) return 'not-loaded';
  if (views.some((view) => view!.state === 'loading')) return 'loading';
  return views.some((view) => view!.epoch !== ledger.epoch) ? 'other-epoch' : undefined;
}

function sameView(a: GateItemView, b: GateItemView): boolean {
  return (
    a.epoch === b.epoch &&
    a.state === b.state &&
    a.available === b.available &&
    a.claimed === b.claimed &&
    a.pending.length === b.pending.length &&
    a.pending.every((claim, index) => claim.claimId === b.pending[index]!.claimId)
  );
}

function pendingOf(views: Views): PendingClaim[] {
  return [...(views ?? [])].flatMap(([itemId, view]) => view.pending.map((claim) => ({ itemId, ...claim })));
}
