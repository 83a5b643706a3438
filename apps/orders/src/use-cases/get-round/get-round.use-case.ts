import { Injectable } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { ok, type Result } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { notFound, ownMerchant, parsePathId, seesEverything, visibilityOf } from '../../round-access';
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
    const id = parsePathId('round', roundId);
    if (!id.ok) return id;
    const { round, nowMs } = await this.find(caller, id.value);
    return round === undefined ? notFound('round', roundId) : ok(roundView(round, nowMs, caller));
  }

  private async find(caller: CallerIdentity, roundId: string): Promise<{ round: Round | undefined; nowMs: number }> {
    if (!seesEverything(caller) && ownMerchant(caller) === undefined) return this.publicRounds.find(roundId);
    // Whoever may change a round sees it as it is.
    const { rounds, nowMs } = await findRounds(this.database, { roundId, visibleTo: visibilityOf(caller), limit: 1 });
    return { round: rounds[0], nowMs };
  }
}
