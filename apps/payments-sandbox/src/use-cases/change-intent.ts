// Lock, decide, write: the transaction shared by every command on an intent.
import { type Problem, refuse } from '@gravity/contracts';
import { type Clock, type Result, ok } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import type { Change, Intent } from '../domain/intent';
import type { Along, IntentRepository, StoredIntent } from '../storage/intent.repository';

/** What a command decided; without a change the intent stays as it is. */
export interface Decision {
  readonly change?: Change;
  readonly along?: Along;
}

/** Decides on the locked intent. `nowMs` was read after the lock was there, so waiting in line extends no deadline. */
export type Decide = (
  stored: StoredIntent,
  nowMs: number,
  tx: Tx,
) => Result<Decision, Problem> | Promise<Result<Decision, Problem>>;

/** A refund's key that another intent takes between look and write is found by the second look. */
const LOOKS_MAX = 2;

/** The intent after the command. Refusals: `not-found`, and those of `decide`. */
export async function changeIntent(
  intents: IntentRepository,
  clock: Clock,
  intentId: string,
  decide: Decide,
): Promise<Result<Intent, Problem>> {
  const changed = await intents.locked<Result<Intent, Problem>>(intentId, async (stored, tx) => {
    const nowMs = clock.nowMs();
    for (let look = 1; look <= LOOKS_MAX; look += 1) {
      const decided = await decide(stored, nowMs, tx);
      if (!decided.ok) return decided;
      const { change, along } = decided.value;
      if (change === undefined) return ok(stored.intent);
      if (await intents.save(tx, change, nowMs, along)) return ok(change.next);
    }
    return refuse('unavailable', 'The key of this refund is taken, and its refund does not show. Repeat the request.');
  });
  return changed ?? refuse('not-found', `There is no payment intent ${intentId}.`);
}
