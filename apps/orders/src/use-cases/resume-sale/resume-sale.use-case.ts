// Resumes a stopped sale. Items whose SKU the catalogue has delisted stay off.
import { Injectable } from '@nestjs/common';
import { refuse } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { ok } from '@gravity/kernel';
import type { Write } from '@gravity/service';
import { isSellingStatus, STOPPABLE_STATUSES } from '../../domain/round';
import { GateControl } from '../../gate/gate-control';
import { RoundCommand } from '../../round-command';
import { roundResumed } from '../../round-events';
import type { RoundView } from '../../round-view';
import { writeRound, writeSelling } from '../../storage/rounds.repository';

@Injectable()
export class ResumeSale {
  constructor(
    private readonly command: RoundCommand,
    private readonly gate: GateControl,
  ) {}

  /** Refusals: `not-found`, `invalid-transition` for a round that is over. Repeating is harmless. */
  execute(caller: CallerIdentity, roundId: string): Write<RoundView> {
    return this.command.write(caller, {
      roundId,
      decide: async (tx, round) => {
        if (!STOPPABLE_STATUSES.includes(round.status))
          return refuse('invalid-transition', `The round is ${round.status}.`);
        if (round.stoppedReason === undefined) return ok(round);
        // An approved round goes on sale when it is warmed.
        const open = isSellingStatus(round.status) ? await writeSelling(tx, round, true) : round;
        return ok(await writeRound(tx, open, { stoppedReason: null, events: [roundResumed] }));
      },
      follow: async (round) => {
        const selling = round.items.filter((item) => item.selling).map((item) => item.itemId);
        if (selling.length > 0) await this.gate.setSelling(round.seriesId, selling, true);
      },
    });
  }
}
