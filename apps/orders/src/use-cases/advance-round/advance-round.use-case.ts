// Takes the next due step of one round. Several processes may try at once: the first one locks the row, the others skip
// it.
import { Injectable } from '@nestjs/common';
import { OutboxRelay } from '@gravity/messaging';
import { Database } from '@gravity/persistence';
import { nextRoundStep, type RoundStatus } from '../../domain/round';
import { GateControl } from '../../gate/gate-control';
import type { LockedRound } from '../../storage/round-rows';
import { lockRound } from '../../storage/rounds.repository';
import { takeStep } from './round-steps';

@Injectable()
export class AdvanceRound {
  constructor(
    private readonly database: Database,
    private readonly gate: GateControl,
    private readonly relay: OutboxRelay,
  ) {}

  /**
   * The state the round (a uuid) has moved to, or undefined when it had nothing to do or another process works on it.
   */
  async execute(roundId: string): Promise<RoundStatus | undefined> {
    const moved = await this.database.transaction(async (tx) => {
      const round = await lockRound(tx, roundId, 'skip-locked');
      const step = round && nextRoundStep(round, round.items, round.nowMs);
      return step && takeStep(tx, round, step);
    });
    if (moved === undefined) return undefined;
    this.relay.wake();
    await makeGateFollow(this.gate, moved);
    return moved.status;
  }
}

/** Tells the gate of a state that has just been committed. A process that dies before leaves it to the lifecycle worker. */
export async function makeGateFollow(gate: GateControl, round: LockedRound): Promise<void> {
  const itemIds = round.items.map((item) => item.itemId);
  switch (round.status) {
    case 'WARMED':
      await gate.load(round.seriesId);
      return;
    case 'CLOSED':
      await gate.setSelling(round.seriesId, itemIds, false);
      return;
    case 'CANCELLED':
    case 'SETTLED':
      await gate.setSelling(round.seriesId, itemIds, false);
      await gate.forget(round.seriesId, itemIds);
      return;
    case 'DRAFT':
    case 'APPROVED':
    case 'OPEN':
    case 'SOLD_OUT':
      // The gate opens by its own clock and counts its units itself.
      return;
  }
}
