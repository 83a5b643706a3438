// How each kind of buyer claims. Each function resolves with the win, or with undefined.
import { sleep } from '@gravity/kernel';
import type { BuyerClient, BuyersContext, ClaimOutcome } from './buyer-client';
import { BOT_KEYS, BOT_TRIES } from './profiles';
import type { Win } from './protocol';

/** Refusals after which the same claim is repeated. */
const BUSY: ReadonlySet<string> = new Set(['overloaded', 'unavailable', 'outcome-unknown', 'rate-limited']);
const REPEATS_MAX = 6;
const PAUSE_WHEN_BUSY_MS = 400;
const PAUSE_WHEN_BUSY_MAX_MS = 2_000;
const PAUSE_BEFORE_OPENING_MS = 150;
/** No buyer returns later than this before the end. */
const LAST_RETURN_BEFORE_CLOSE_MS = 1_500;

/** Everything a buyer does from the first request to the win. */
export async function claimAsProfiled(client: BuyerClient, context: BuyersContext): Promise<Win | undefined> {
  const { profile } = client;
  if (profile.readsAtMs !== undefined) {
    await until(context, profile.readsAtMs);
    await client.readRound();
  }
  switch (profile.kind) {
    case 'bot':
      return claimAsBot(client, context);
    case 'early':
      return claimEarly(client, context);
    case 'double-click':
      return claimTwice(client, context);
    case 'impatient':
      return claimImpatiently(client, context);
    case 'ordinary':
      return claimOnce(client, context);
  }
}

/** Waits for an instant, in milliseconds relative to the opening. */
function until(context: BuyersContext, atMs: number): Promise<void> {
  return context.waits.wait(context.task.opensAtMs + atMs - Date.now());
}

async function claimOnce(client: BuyerClient, context: BuyersContext): Promise<Win | undefined> {
  await until(context, client.profile.claimsAtMs);
  const outcome = await claimUntilAnswered(client, `${client.profile.id}-1`);
  return won(outcome) ?? claimAgainLater(client, context, outcome);
}

/** Claims before the opening, is refused, and claims again at the opening. */
async function claimEarly(client: BuyerClient, context: BuyersContext): Promise<Win | undefined> {
  await until(context, client.profile.earlyClaimAtMs);
  // On a busy machine the claim may arrive after the opening, and win.
  return won(await client.claim(`${client.profile.id}-0`)) ?? claimOnce(client, context);
}

/** Two requests with the same key at the same time. */
async function claimTwice(client: BuyerClient, context: BuyersContext): Promise<Win | undefined> {
  await until(context, client.profile.claimsAtMs);
  const key = `${client.profile.id}-1`;
  context.statistics.doubleClicks += 1;
  const [first, second] = await Promise.all([client.claim(key), client.claim(key)]);
  return won(first) ?? won(second) ?? claimAgainLater(client, context, first);
}

/** Closes the connection within milliseconds, twice, then repeats with the same key until there is an answer. */
async function claimImpatiently(client: BuyerClient, context: BuyersContext): Promise<Win | undefined> {
  await until(context, client.profile.claimsAtMs);
  const key = `${client.profile.id}-1`;
  for (const timeoutMs of [client.profile.timeoutMs, client.profile.timeoutMs * 3]) {
    const outcome = await client.claim(key, timeoutMs);
    if (outcome.kind === 'won') return outcome.win;
    if (outcome.kind === 'refused' && !BUSY.has(outcome.code)) return claimAgainLater(client, context, outcome);
  }
  const outcome = await claimUntilAnswered(client, key);
  return won(outcome) ?? claimAgainLater(client, context, outcome);
}

/** Hundreds of claims at once, with several keys. */
async function claimAsBot(client: BuyerClient, context: BuyersContext): Promise<Win | undefined> {
  await until(context, client.profile.claimsAtMs);
  context.statistics.botTries += BOT_TRIES;
  const tries = Array.from({ length: BOT_TRIES }, (_none, index) =>
    client.claim(`${client.profile.id}-${index % BOT_KEYS}`),
  );
  const outcomes = await Promise.all(tries);
  const wins = outcomes.flatMap((outcome) => won(outcome) ?? []);
  return wins[0] ?? claimAgainLater(client, context, outcomes[0] ?? { kind: 'unanswered' });
}

/** Unpaid units become available again. Buyers who return at that time may win one. */
async function claimAgainLater(
  client: BuyerClient,
  context: BuyersContext,
  before: ClaimOutcome,
): Promise<Win | undefined> {
  let last = before;
  const lastReturnMs = context.task.closesAtMs - context.task.opensAtMs - LAST_RETURN_BEFORE_CLOSE_MS;
  for (const [index, atMs] of client.profile.returnsAtMs.entries()) {
    if (last.kind === 'refused' && last.code !== 'sold-out' && !BUSY.has(last.code)) return undefined;
    if (atMs > lastReturnMs) return undefined;
    await until(context, atMs);
    if (context.waits.cancelled) return undefined;
    last = await claimUntilAnswered(client, `${client.profile.id}-again-${index}`);
    if (last.kind === 'won') return last.win;
  }
  return undefined;
}

/** Repeats a claim with the same key while the answer asks to retry. */
async function claimUntilAnswered(client: BuyerClient, key: string): Promise<ClaimOutcome> {
  let outcome = await client.claim(key);
  for (let repeat = 0; repeat < REPEATS_MAX && mayRepeat(outcome); repeat += 1) {
    await sleep(pauseAfter(outcome));
    outcome = await client.claim(key);
  }
  return outcome;
}

function mayRepeat(outcome: ClaimOutcome): boolean {
  if (outcome.kind === 'unanswered') return true;
  return outcome.kind === 'refused' && (BUSY.has(outcome.code) || outcome.code === 'round-not-open');
}

function pauseAfter(outcome: ClaimOutcome): number {
  if (outcome.kind !== 'refused') return 0;
  // The round opens within a second.
  if (outcome.code === 'round-not-open') return PAUSE_BEFORE_OPENING_MS;
  return Math.max(PAUSE_WHEN_BUSY_MS, Math.min(outcome.retryAfterMs, PAUSE_WHEN_BUSY_MAX_MS));
}

function won(outcome: ClaimOutcome): Win | undefined {
  return outcome.kind === 'won' ? outcome.win : undefined;
}
