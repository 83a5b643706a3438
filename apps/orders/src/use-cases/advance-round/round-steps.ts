// The steps of a round, inside the transaction that holds the round's locks.
import type { RoundStep } from '../../domain/round';
import { availableUnits } from '../../domain/round';
import * as facts from '../../round-events';
import type { LockedRound } from '../../storage/round-rows';
import {
  addQuota,
  lockItems,
  lockNextUnwarmed,
  writeOffLeftover,
  writeRound,
  writeSelling,
} from '../../storage/rounds.repository';
import type { Queryable } from '../../storage/sku-snapshots.repository';

/** Takes the step; returns the round as it is afterwards. */
export async function takeStep(tx: Queryable, round: LockedRound, step: RoundStep): Promise<LockedRound> {
  switch (step.to) {
    case 'CANCELLED':
      return cancel(tx, round, step.reason);
    case 'WARMED': {
      const selling = await writeSelling(tx, round, round.stoppedReason === undefined, 'new-gate');
      return writeRound(tx, selling, { status: 'WARMED', events: [facts.roundWarmed] });
    }
    case 'OPEN': {
      const event = round.status === 'SOLD_OUT' ? facts.roundReopened : facts.roundOpened;
      return writeRound(tx, round, { status: 'OPEN', events: [event] });
    }
    case 'SOLD_OUT':
      return writeRound(tx, round, { status: 'SOLD_OUT', events: [facts.roundSoldOut] });
    case 'CLOSED': {
      const still = await writeSelling(tx, round, false);
      return writeRound(tx, still, { status: 'CLOSED', events: [facts.roundClosed] });
    }
    case 'SETTLED':
      return settle(tx, round);
  }
}

/** Ends a round without orders. Its units are written off, carried-over ones included. */
export async function cancel(tx: Queryable, round: LockedRound, reason: string): Promise<LockedRound> {
  const still = await writeSelling(tx, round, false);
  const empty = await writeOffLeftover(tx, still);
  return writeRound(tx, empty, { status: 'CANCELLED', events: [facts.roundCancelled(reason)] });
}

/**
 * The final count. Leftovers are written off; with CARRY they are added, in the same transaction, to the quota of the
 * same SKU in the next round that has not been warmed, so every unit is counted in exactly one place at any commit. The
 * step from CLOSED to SETTLED is taken once, so the units are carried once.
 */
async function settle(tx: Queryable, round: LockedRound): Promise<LockedRound> {
  const carried = round.leftover === 'CARRY' ? await carryOver(tx, round) : new Map<string, number>();
  const empty = await writeOffLeftover(tx, round);
  return writeRound(tx, empty, { status: 'SETTLED', events: [facts.roundSettled(carried)] });
}

/** Moves leftovers to the next round that takes them; returns units by item of this round. */
async function carryOver(tx: Queryable, round: LockedRound): Promise<Map<string, number>> {
  const carried = new Map<string, number>();
  const left = round.items.filter((item) => availableUnits(item) > 0);
  if (left.length === 0) return carried;
  const nextRoundId = await lockNextUnwarmed(
    tx,
    round,
    left.map((item) => item.skuId),
  );
  if (nextRoundId === undefined) return carried;
  // Items of the closed round are locked already. No transaction waits for them while it holds items of a later round.
  const targets = new Map((await lockItems(tx, [nextRoundId])).map((row) => [row.sku_id, row.item_id]));
  const added = new Map<string, number>();
  for (const item of left) {
    const target = targets.get(item.skuId);
    if (target === undefined) continue;
    added.set(target, availableUnits(item));
    carried.set(item.itemId, availableUnits(item));
  }
  await addQuota(tx, added);
  return carried;
}
