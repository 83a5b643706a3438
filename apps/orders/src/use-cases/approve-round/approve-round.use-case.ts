// An operator approves a drafted round: it will open by itself at its time.
import { Injectable } from '@nestjs/common';
import { type Problem, refuse } from '@gravity/contracts';
import type { CallerIdentity, VersionMatch } from '@gravity/http';
import { ok, type Result } from '@gravity/kernel';
import { PUBLIC_ROUND_STATUSES } from '../../domain/round';
import { RoundCommand } from '../../round-command';
import { roundApproved } from '../../round-events';
import type { RoundView } from '../../round-view';
import { writeRound } from '../../storage/rounds.repository';

@Injectable()
export class ApproveRound {
  constructor(private readonly command: RoundCommand) {}

  /** Refusals: `not-found`, `stale-version`, `invalid-transition`. Repeating is harmless. */
  execute(caller: CallerIdentity, roundId: string, ifMatch: VersionMatch): Promise<Result<RoundView, Problem>> {
    return this.command.run(caller, roundId, async (tx, round) => {
      if (PUBLIC_ROUND_STATUSES.includes(round.status)) return ok(round);
      const fresh = ifMatch.check(round.version);
      if (!fresh.ok) return fresh;
      if (round.status !== 'DRAFT') return refuse('invalid-transition', `The round is ${round.status}.`);
      if (round.nowMs >= round.closesAtMs) return refuse('invalid-transition', 'The round would be over already.');
      return ok(await writeRound(tx, round, { status: 'APPROVED', events: [roundApproved] }));
    });
  }
}
