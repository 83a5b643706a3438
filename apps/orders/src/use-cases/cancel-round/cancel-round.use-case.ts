// An operator cancels a round. A round without orders does not take place. A round on sale closes early, because orders
// that are placed stand.
import { Injectable } from '@nestjs/common';
import { refuse } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { ok } from '@gravity/kernel';
import type { Write } from '@gravity/service';
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
  execute(caller: CallerIdentity, roundId: string, reason: string): Write<RoundView> {
    return this.command.write(caller, {
      roundId,
      reason,
      decide: async (tx, round) => {
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
      follow: (round) => makeGateFollow(this.gate, round),
    });
  }
}
