// Follows the conservation equation of every live item and acts on what it finds.
//
// A sale is stopped when an item shows the same fault in three looks in a row, one second apart. The gate's drift only
// counts in looks during which the gate stood still (see ConservationCheck), under one epoch, and after claims and
// returns in flight have been taken into account; so a busy sale is never stopped for being busy. So a drift under
// uninterrupted traffic is found in the first quiet milliseconds, at the latest when the item has sold out.
//
// It also reconciles the gate after a process died between its commit and its call to the gate: an item that sells in
// Postgres and is stopped in the gate or the other way round, a gate that is not loaded or not finished.
import { Injectable, Logger } from '@nestjs/common';
import { idFromUuid, monotonicMs } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { Loop } from '@gravity/service';
import { Counter, Gauge } from 'prom-client';
import { gateFinding, ledgerFinding, mustStop, suspect, type Suspicion } from '../domain/conservation';
import { GateControl } from '../gate/gate-control';
import { SERVICE } from '../orders-config';
import { type WatchedItem, watchedItems } from '../storage/conservation.repository';
import { ConservationCheck, type ItemLook } from '../use-cases/get-conservation/conservation-check';
import { StopSale } from '../use-cases/stop-sale/stop-sale.use-case';

const driftUnits = new Gauge({
  name: 'conservation_drift_units',
  help: 'Units by which the sides of live items differ',
  labelNames: ['service', 'side'],
});
const watchedItemCount = new Gauge({
  name: 'conservation_items',
  help: 'Live items that were looked at',
  labelNames: ['service'],
});
const stops = new Counter({
  name: 'conservation_stops_total',
  help: 'Sales stopped because a drift persisted',
  labelNames: ['service'],
});

const LOOK_EVERY_MS = 1_000;
/** Summing the orders of an item takes longer the more it has sold: it gets at most a fiftieth of the time. */
const COUNT_EVERY_MS = 3_000;
const COUNT_SHARE = 50;
/** Looks in a row after which the gate is told Postgres' state again. */
const LOOKS_BEFORE_RECONCILING = 2;
/** A load that is under way gets more time. */
const LOOKS_BEFORE_RELOADING = { 'not-loaded': 3, 'other-epoch': 3, loading: 10 } as const;

interface Memory {
  readonly gate: Suspicion | undefined;
  readonly ledger: Suspicion | undefined;
  /** The difference to reconcile, and in how many looks it was seen. */
  readonly difference: Suspicion | undefined;
}

const CLEAR: Memory = { gate: undefined, ledger: undefined, difference: undefined };

@Injectable()
export class ConservationWatch extends Loop {
  private readonly log = new Logger('conservation-watch');
  private memories = new Map<string, Memory>();
  private nextCountAt = 0;

  constructor(
    private readonly database: Database,
    private readonly gate: GateControl,
    private readonly check: ConservationCheck,
    private readonly stopSale: StopSale,
  ) {
    super({ name: 'conservation-watch', pauseMs: LOOK_EVERY_MS });
    for (const side of ['gate', 'held', 'sold']) driftUnits.inc({ service: SERVICE, side }, 0);
    stops.inc({ service: SERVICE }, 0);
  }

  protected override async turn(stop: AbortSignal): Promise<void> {
    const items = await watchedItems(this.database, { statuses: ['WARMED', 'OPEN', 'SOLD_OUT', 'CLOSED'] });
    const started = monotonicMs();
    const countOrders = started >= this.nextCountAt;
    const looks: ItemLook[] = [];
    for (const ofSeries of groupBySeries(items)) {
      if (stop.aborted) return;
      looks.push(...(await this.check.look(ofSeries, countOrders)));
    }
    if (countOrders)
      this.nextCountAt = monotonicMs() + Math.max(COUNT_EVERY_MS, COUNT_SHARE * (monotonicMs() - started));
    this.publish(looks, countOrders);
    const memories = new Map<string, Memory>();
    for (const look of looks) memories.set(look.item.itemId, await this.judge(look, countOrders));
    // Items that are over are forgotten here.
    this.memories = memories;
  }

  private async judge(look: ItemLook, counted: boolean): Promise<Memory> {
    const before = this.memories.get(look.item.itemId) ?? CLEAR;
    const { still, verdict, ledger } = look;
    const memory = {
      gate: suspect(before.gate, gateFinding({ still, epoch: ledger.epoch, verdict })),
      ledger: suspect(before.ledger, ledgerFinding(verdict, counted)),
      difference: suspect(before.difference, differenceFinding(look)),
    };
    const reason = [memory.gate, memory.ledger].find(mustStop);
    if (reason !== undefined && ledger.selling) await this.stopFor(look, reason.fault);
    if (memory.difference !== undefined && (await this.reconcileGate(look, memory.difference)))
      return { ...memory, difference: undefined };
    return memory;
  }

  private async stopFor(look: ItemLook, fault: string): Promise<void> {
    const roundId = idFromUuid('round', look.item.roundId);
    const itemId = idFromUuid('item', look.item.itemId);
    this.log.error(`drift in item ${itemId} of round ${roundId}: ${fault}; stopping the sale`);
    const stopped = await this.stopSale.stopByItself(look.item.roundId, `drift: ${fault} (item ${itemId})`);
    if (stopped.ok) stops.inc({ service: SERVICE });
    else this.log.warn(`round ${roundId} was not stopped: ${stopped.error.detail}`);
  }

  /** True when something was done, so that the looks are counted anew. */
  private async reconcileGate(look: ItemLook, difference: Suspicion): Promise<boolean> {
    const { item, ledger, absence } = look;
    if (absence === undefined) {
      if (difference.looks < LOOKS_BEFORE_RECONCILING) return false;
      this.log.warn(`gate of item ${item.itemId}: ${difference.fault}; telling it again`);
      await this.gate.setSelling(item.seriesId, [item.itemId], ledger.selling);
      return true;
    }
    if (!isReloadable(absence) || difference.looks < LOOKS_BEFORE_RELOADING[absence] || ledger.epoch === 0n)
      return false;
    this.log.warn(`gate of item ${item.itemId} is ${absence}; loading it`);
    await this.gate.load(item.seriesId, ledger.epoch);
    return true;
  }

  private publish(looks: readonly ItemLook[], counted: boolean): void {
    const setDrift = (side: string, drift: (look: ItemLook) => number): void =>
      driftUnits.set(
        { service: SERVICE, side },
        looks.reduce((total, look) => total + Math.abs(drift(look)), 0),
      );
    watchedItemCount.set({ service: SERVICE }, looks.length);
    // An inexact look would show claims in flight as drift.
    setDrift('gate', (look) => (look.still ? (look.verdict.gateDrift ?? 0) : 0));
    if (!counted) return;
    setDrift('held', (look) => look.verdict.heldDrift);
    setDrift('sold', (look) => look.verdict.soldDrift);
  }
}

function differenceFinding({ absence, gate, ledger, still }: ItemLook): 'unknown' | 'clean' | { fault: string } {
  if (absence !== undefined) return isReloadable(absence) ? { fault: `${absence} ${ledger.epoch}` } : 'clean';
  if (!still || gate === undefined) return 'unknown';
  if ((gate.state === 'open') === ledger.selling) return 'clean';
  return { fault: ledger.selling ? 'stopped although it sells' : 'open although it does not sell' };
}

function isReloadable(absence: string): absence is keyof typeof LOOKS_BEFORE_RELOADING {
  return Object.hasOwn(LOOKS_BEFORE_RELOADING, absence);
}

function groupBySeries(items: readonly WatchedItem[]): WatchedItem[][] {
  const groups = new Map<string, WatchedItem[]>();
  for (const item of items) {
    const group = groups.get(item.seriesId);
    if (group === undefined) groups.set(item.seriesId, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
