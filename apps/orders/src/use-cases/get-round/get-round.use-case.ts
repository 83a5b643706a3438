import { Injectable } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { mapOk, type Result } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { found, visibilityOf } from '@gravity/service';
import { type RoundView, roundView } from '../../round-view';
import type { Round } from '../../storage/round-rows';
import { findRounds } from '../../storage/rounds.repository';
import { PublicRounds } from './public-rounds';

@Injectable()
export class GetRound {
  private readonly publicRounds: PublicRounds;

  constructor(private readonly database: Database) {
    this.publicRounds = new PublicRounds(database);
  }

  /** Refusals: `not-found`, also for rounds that this caller may not see yet. The public's view may be 200 ms old. */
  async execute(caller: CallerIdentity, roundId: string): Promise<Result<RoundView, Problem>> {
    const { round, nowMs } = await this.find(caller, roundId);
    return mapOk(found('round', roundId, round), (one) => roundView(one, nowMs, caller));
  }

  private async find(caller: CallerIdentity, roundId: string): Promise<{ round: Round | undefined; nowMs: number }> {
    const visibleTo = visibilityOf(caller);
    if (!visibleTo.everything && visibleTo.merchantId === undefined) return this.publicRounds.find(roundId);
    // Callers who may change a round see it as it is.
    const { rounds, nowMs } = await findRounds(this.database, { roundId, visibleTo, limit: 1 });
    return { round: rounds[0], nowMs };
  }
}
