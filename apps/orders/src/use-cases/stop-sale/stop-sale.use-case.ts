// Stops the sale of a round at any time between its approval and its end. From the commit on no claim is accepted; the
// gate follows at once, so that buyers hear it without reaching Postgres.
import { Injectable } from '@nestjs/common';
import { type Problem, refuse } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { ok, type Result } from '@gravity/kernel';
import { STOPPABLE_STATUSES } from '../../domain/round';
import { GateControl } from '../../gate/gate-control';
import { RoundCommand } from '../../round-command';
import { roundStopped } from '../../round-events';
import type { RoundView } from '../../round-view';
import { writeRound, writeSelling } from '../../storage/rounds.repository';

@Injectable()
export class StopSale {
  constructor(
    private readonly command: RoundCommand,
    private readonly gate: GateControl,
  ) {}

  /** Refusals: `not-found`, `invalid-transition`. A round that is stopped already keeps its first reason. */
  execute(caller: CallerIdentity, roundId: string, reason: string): Promise<Result<RoundView, Problem>> {
    return this.command.run(
      caller,
      roundId,
      async (tx, round) => {
        if (round.stoppedReason !== undefined) return ok(round);
        if (!STOPPABLE_STATUSES.includes(round.status)) {
          return refuse('invalid-transition', `The round is ${round.status}; there is no sale to stop.`);
        }
        const still = await writeSelling(tx, round, false);
        return ok(await writeRound(tx, still, { stoppedReason: reason, events: [roundStopped(reason)] }));
      },
      (round) =>
        this.gate.setSelling(
          round.seriesId,
          round.items.map((item) => item.itemId),
          false,
        ),
    );
  }
}
