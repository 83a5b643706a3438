// An operator approves a drafted round: it opens by itself at its time.
import { Injectable } from '@nestjs/common';
import { refuse } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { ok } from '@gravity/kernel';
import type { Write } from '@gravity/service';
import { PUBLIC_ROUND_STATUSES } from '../../domain/round';
import { RoundCommand } from '../../round-command';
import { roundApproved } from '../../round-events';
import type { RoundView } from '../../round-view';
import { writeRound } from '../../storage/rounds.repository';

@Injectable()
export class ApproveRound {
  constructor(private readonly command: RoundCommand) {}

  /** Refusals: `not-found`, `stale-version`, `invalid-transition`. Repeating is harmless. */
  execute(caller: CallerIdentity, roundId: string): Write<RoundView> {
    return this.command.write(caller, {
      roundId,
      decide: async (tx, round, ifMatch) => {
        if (PUBLIC_ROUND_STATUSES.includes(round.status)) return ok(round);
        const fresh = ifMatch.check(round.version);
        if (!fresh.ok) return fresh;
        if (round.status !== 'DRAFT') return refuse('invalid-transition', `The round is ${round.status}.`);
        if (round.nowMs >= round.closesAtMs) return refuse('invalid-transition', 'The round would be over already.');
        return ok(await writeRound(tx, round, { status: 'APPROVED', events: [roundApproved] }));
      },
    });
  }
}
