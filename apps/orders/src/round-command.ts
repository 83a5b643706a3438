// The common part of operators' commands to one round: its locks, its events, and the steps after the commit.
import { Injectable } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity, VersionMatch } from '@gravity/http';
import { mapOk, type Result } from '@gravity/kernel';
import { OutboxRelay } from '@gravity/messaging';
import { found, transactional, type Write } from '@gravity/service';
import { type RoundView, roundView } from './round-view';
import type { LockedRound } from './storage/round-rows';
import { lockRound } from './storage/rounds.repository';
import type { Queryable } from './storage/sku-snapshots.repository';
import { RoundLifecycle } from './workers/round-lifecycle';

/** One command to a round. */
export interface RoundDecision {
  /** A uuid. */
  readonly roundId: string;
  /** Why, in the operator's words. */
  readonly reason?: string;
  /** Decides and writes; returns the round as it is afterwards, the same object when nothing had to change. */
  readonly decide: (tx: Queryable, round: LockedRound, ifMatch: VersionMatch) => Promise<Result<LockedRound, Problem>>;
  /** After the commit of a change, in this process: tells the gate. */
  readonly follow?: (round: LockedRound) => Promise<void>;
}

@Injectable()
export class RoundCommand {
  constructor(
    private readonly relay: OutboxRelay,
    private readonly lifecycle: RoundLifecycle,
  ) {}

  /** The write of a command. It decides under the locks of the round and its items. Refusal: `not-found`. */
  write(caller: CallerIdentity, command: RoundDecision): Write<RoundView> {
    const { roundId, reason, decide, follow } = command;
    let changed: LockedRound | undefined;
    return transactional(
      { roundId, reason },
      async (tx, ifMatch) => {
        const round = found('round', roundId, await lockRound(tx, roundId));
        if (!round.ok) return round;
        const decided = await decide(tx, round.value, ifMatch);
        changed = decided.ok && decided.value !== round.value ? decided.value : undefined;
        return mapOk(decided, (after) => roundView(after, after.nowMs, caller));
      },
      {
        ...(reason === undefined ? {} : { reason }),
        committed: async () => {
          if (changed === undefined) return;
          this.relay.wake();
          this.lifecycle.wake();
          await follow?.(changed);
        },
      },
    );
  }
}
