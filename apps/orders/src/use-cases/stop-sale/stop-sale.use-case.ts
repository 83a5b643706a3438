// Stops the sale of a round at any time between its approval and its end. From the commit on no claim is accepted; the
// gate follows at once, so that claims are refused before they reach Postgres.
import { Injectable } from '@nestjs/common';
import { type Problem, refuse } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { ok, type Result } from '@gravity/kernel';
import { OutboxRelay } from '@gravity/messaging';
import { Database } from '@gravity/persistence';
import { found, type Write } from '@gravity/service';
import { STOPPABLE_STATUSES } from '../../domain/round';
import { GateControl } from '../../gate/gate-control';
import { RoundCommand } from '../../round-command';
import { roundStopped } from '../../round-events';
import type { RoundView } from '../../round-view';
import type { LockedRound } from '../../storage/round-rows';
import { lockRound, writeRound, writeSelling } from '../../storage/rounds.repository';
import type { Queryable } from '../../storage/sku-snapshots.repository';

@Injectable()
export class StopSale {
  constructor(
    private readonly database: Database,
    private readonly command: RoundCommand,
    private readonly gate: GateControl,
    private readonly relay: OutboxRelay,
  ) {}

  /** Refusals: `not-found`, `invalid-transition`. A round that is stopped already keeps its first reason. */
  execute(caller: CallerIdentity, roundId: string, reason: string): Write<RoundView> {
    return this.command.write(caller, {
      roundId,
      reason,
      decide: (tx, round) => stop(tx, round, reason),
      follow: (round) => this.stopGate(round),
    });
  }

  /** The same without an operator, in a transaction of its own. */
  async stopByItself(roundId: string, reason: string): Promise<Result<void, Problem>> {
    const stopped = await this.database.transaction(async (tx) => {
      const round = found('round', roundId, await lockRound(tx, roundId));
      return round.ok ? stop(tx, round.value, reason) : round;
    });
    if (!stopped.ok) return stopped;
    this.relay.wake();
    await this.stopGate(stopped.value);
    return ok(undefined);
  }

  private stopGate(round: LockedRound): Promise<void> {
    const itemIds = round.items.map((item) => item.itemId);
    return this.gate.setSelling(round.seriesId, itemIds, false);
  }
}

async function stop(tx: Queryable, round: LockedRound, reason: string): Promise<Result<LockedRound, Problem>> {
  if (round.stoppedReason !== undefined) return ok(round);
  if (!STOPPABLE_STATUSES.includes(round.status)) {
    return refuse('invalid-transition', `The round is ${round.status}; there is no sale to stop.`);
  }
  const still = await writeSelling(tx, round, false);
  return ok(await writeRound(tx, still, { stoppedReason: reason, events: [roundStopped(reason)] }));
}
