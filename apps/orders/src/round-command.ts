// What the commands that operators give to one round have in common: its locks, its events, and what follows the commit.
import { Injectable } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { ok, type Result } from '@gravity/kernel';
import { OutboxRelay } from '@gravity/messaging';
import { Database } from '@gravity/persistence';
import { notFound, parsePathId } from './round-access';
import { type RoundView, roundView } from './round-view';
import type { LockedRound } from './storage/round-rows';
import { lockRound } from './storage/rounds.repository';
import type { Queryable } from './storage/sku-snapshots.repository';
import { RoundLifecycle } from './workers/round-lifecycle';

/** Decides and writes; returns the round as it is afterwards, the same object when nothing had to change. */
export type RoundDecision = (tx: Queryable, round: LockedRound) => Promise<Result<LockedRound, Problem>>;

@Injectable()
export class RoundCommand {
  constructor(
    private readonly database: Database,
    private readonly relay: OutboxRelay,
    private readonly lifecycle: RoundLifecycle,
  ) {}

  /**
   * Runs the decision under the locks of the round and its items. After the commit, and only when something has changed,
   * `follow` makes the gate follow.
   */
  async run(
    caller: CallerIdentity,
    roundId: string,
    decide: RoundDecision,
    follow: (round: LockedRound) => Promise<void> = () => Promise.resolve(),
  ): Promise<Result<RoundView, Problem>> {
    const id = parsePathId('round', roundId);
    if (!id.ok) return id;
    const result = await this.database.transaction(async (tx): Promise<Result<[LockedRound, boolean], Problem>> => {
      const round = await lockRound(tx, id.value);
      if (round === undefined) return notFound('round', roundId);
      const decided = await decide(tx, round);
      return decided.ok ? ok([decided.value, decided.value !== round]) : decided;
    });
    if (!result.ok) return result;
    const [round, changed] = result.value;
    if (changed) {
      this.relay.wake();
      this.lifecycle.wake();
      await follow(round);
    }
    return ok(roundView(round, round.nowMs, caller));
  }
}
