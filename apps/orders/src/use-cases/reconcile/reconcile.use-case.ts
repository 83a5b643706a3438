// Compares both sides of live rounds and repairs the gate, for operators at a terminal.
import { Injectable } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import { ok, type Result, uuidFromId } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { notFound } from '@gravity/service';
import { GateControl } from '../../gate/gate-control';
import { type WatchedItem, watchedItems } from '../../storage/conservation.repository';
import { serverTimeMs } from '../../storage/rounds.repository';
import { roundMachine } from '../../domain/round';
import { ConservationCheck, type ItemLook } from '../get-conservation/conservation-check';
import { type ConservationView, conservationView } from '../get-conservation/conservation-view';

const LOOKS_MAX = 10;

export interface Reconciliation {
  readonly before: ConservationView;
  /** True when the gate of the series was loaded anew from Postgres, under a new epoch. */
  readonly repaired: boolean;
  /** The view after the repair; the same as `before` when nothing had to be repaired. */
  readonly after: ConservationView;
}

@Injectable()
export class Reconcile {
  constructor(
    private readonly database: Database,
    private readonly gate: GateControl,
    private readonly check: ConservationCheck,
  ) {}

  /**
   * Reports both sides of a round (wire id) and, when the gate's is wrong, loads it from Postgres. A drift inside
   * Postgres is only reported: no program may guess which of two records is right. A sale that was stopped stays so.
   * Refusals: `not-found`.
   */
  async reconcileRound(roundId: string): Promise<Result<Reconciliation, Problem>> {
    const uuid = uuidFromId('round', roundId);
    if (uuid === undefined) return notFound('round', roundId);
    const items = await watchedItems(this.database, { roundId: uuid, statuses: roundMachine.states });
    return items.length === 0 ? notFound('round', roundId) : ok(await this.reconcile(items));
  }

  /** The same for every round that is live. */
  async reconcileAll(): Promise<Reconciliation[]> {
    const items = await watchedItems(this.database, { statuses: ['WARMED', 'OPEN', 'SOLD_OUT', 'CLOSED'] });
    const rounds = new Map<string, WatchedItem[]>();
    for (const item of items) rounds.set(item.roundId, [...(rounds.get(item.roundId) ?? []), item]);
    const reports: Reconciliation[] = [];
    for (const ofRound of rounds.values()) reports.push(await this.reconcile(ofRound));
    return reports;
  }

  private async reconcile(items: readonly WatchedItem[]): Promise<Reconciliation> {
    const found = await this.check.lookUntilStill(items, LOOKS_MAX);
    const before = await this.viewOf(items, found);
    if (!found.some(needsLoad)) return { before, repaired: false, after: before };
    const repaired = await this.gate.load(items[0]!.seriesId);
    return { before, repaired, after: await this.viewOf(items, await this.check.lookUntilStill(items, LOOKS_MAX)) };
  }

  private async viewOf(items: readonly WatchedItem[], looks: readonly ItemLook[]): Promise<ConservationView> {
    const { roundId, roundStatus } = items[0]!;
    return conservationView(roundId, roundStatus, looks, await serverTimeMs(this.database));
  }
}

function needsLoad(look: ItemLook): boolean {
  if (look.absence !== undefined) return ['not-loaded', 'loading', 'other-epoch'].includes(look.absence);
  return look.still && look.verdict.gateDrift !== 0;
}
