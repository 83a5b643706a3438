// Read, decide, write unless another writer was faster: the loop of every command on an intent.
import { type Problem, refuse } from '@gravity/contracts';
import { type Result, ok } from '@gravity/kernel';
import type { Change, Intent } from '../domain/intent';
import type { Along, IntentRepository, StoredIntent } from '../storage/intent.repository';

/** Commands on one intent are few, so a writer that loses this often is one of very many. */
const WRITE_ATTEMPTS_MAX = 8;

/** The decision of a command; without a change the intent stays as it is. */
export interface Decision {
  readonly change?: Change;
  readonly along?: Along;
}

/** The intent after the command. Refusals: `not-found`, `overloaded`, and those of `decide`. */
export async function changeIntent(
  intents: IntentRepository,
  intentId: string,
  nowMs: number,
  decide: (stored: StoredIntent) => Result<Decision, Problem> | Promise<Result<Decision, Problem>>,
): Promise<Result<Intent, Problem>> {
  for (let attempt = 1; attempt <= WRITE_ATTEMPTS_MAX; attempt += 1) {
    const stored = await intents.find(intentId);
    if (stored === undefined) return refuse('not-found', `There is no payment intent ${intentId}.`);
    const decided = await decide(stored);
    if (!decided.ok) return decided;
    const { change, along } = decided.value;
    if (change === undefined) return ok(stored.intent);
    if (await intents.save(stored.intent, change, nowMs, along)) return ok(change.next);
  }
  return refuse('overloaded', 'The intent is being changed by others. Repeat the request.', { retryAfterSeconds: 1 });
}
