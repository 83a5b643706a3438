// An operator cancels a round. One that nobody has won in will not take place; one on sale is closed early, because what
// buyers have won cannot be undone here.
import { Injectable } from '@nestjs/common';
import { type Problem, refuse } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { ok, type Result } from '@gravity/kernel';
import { cancellationTarget, pathTo } from '../../domain/round';
import { GateControl } from '../../gate/gate-control';
import { RoundCommand } from '../../round-command';
import type { RoundView } from '../../round-view';
import { makeGateFollow } from '../advance-round/advance-round.use-case';
import { cancel, takeStep } from '../advance-round/round-steps';

@Injectable()
export class CancelRound {
  constructor(
    private readonly command: RoundCommand,
    private readonly gate: GateControl,
  ) {}

  /** Refusals: `not-found`, `invalid-transition` for a round that is over. Repeating a cancellation is harmless. */
  execute(caller: CallerIdentity, roundId: string, reason: string): Promise<Result<RoundView, Problem>> {
    return this.command.run(
      caller,
      roundId,
      async (tx, round) => {
        if (round.status === 'CANCELLED') return ok(round);
        const target = cancellationTarget(round.status, round.items);
        if (target === undefined) return refuse('invalid-transition', `The round is ${round.status}.`);
        if (target === 'CANCELLED') return ok(await cancel(tx, round, reason));
        let closing = round;
        for (const status of pathTo(round.status, 'CLOSED')) {
          closing = await takeStep(tx, closing, { to: status === 'OPEN' ? 'OPEN' : 'CLOSED' });
        }
        return ok(closing);
      },
      (round) => makeGateFollow(this.gate, round),
    );
  }
}
