import { Inject, Injectable } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { ok, type Result } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { notFound, parsePathId, visibilityOf } from '../../round-access';
import { type RoundView, roundView } from '../../round-view';
import { findRounds } from '../../storage/rounds.repository';

@Injectable()
export class GetRound {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** Refusals: `not-found`, also for rounds that this caller may not see yet. */
  async execute(caller: CallerIdentity, roundId: string): Promise<Result<RoundView, Problem>> {
    const id = parsePathId('round', roundId);
    if (!id.ok) return id;
    const { rounds, nowMs } = await findRounds(this.database, {
      roundId: id.value,
      visibleTo: visibilityOf(caller),
      limit: 1,
    });
    return rounds[0] === undefined ? notFound('round', roundId) : ok(roundView(rounds[0], nowMs, caller));
  }
}
