// How the different kinds of buyers go about their claim. Each ends with the win, or with undefined.
import { sleep } from '@gravity/kernel';
import { BOT_KEYS, BOT_TRIES } from './casting';
import type { Person, Scene, TapOutcome } from './person';
import type { Win } from './protocol';

/** Answers after which the same tap is worth repeating at once. */
const BUSY: ReadonlySet<string> = new Set(['overloaded', 'unavailable', 'outcome-unknown', 'rate-limited']);
const MOST_REPEATS = 6;
const PAUSE_WHEN_BUSY_MS = 400;
const PAUSE_BEFORE_OPENING_MS = 150;
/** Nobody comes again so shortly before the end. */
const LAST_RETURN_BEFORE_CLOSE_MS = 1_500;

/** Goes for the item from the first look at the page to the win. */
export async function shop(person: Person, scene: Scene): Promise<Win | undefined> {
  const { buyer } = person;
  if (buyer.looksAtMs !== undefined) {
    await until(scene, buyer.looksAtMs);
    await person.look();
  }
  switch (buyer.kind) {
    case 'bot':
      return storm(person, scene);
    case 'early':
      return early(person, scene);
    case 'double-click':
      return doubleClick(person, scene);
    case 'impatient':
      return impatient(person, scene);
    case 'ordinary':
      return ordinary(person, scene);
  }
}

/** Waits for an instant, in milliseconds relative to the opening. */
export function until(scene: Scene, atMs: number): Promise<void> {
  return scene.closing.wait(scene.brief.opensAtMs + atMs - Date.now());
}

async function ordinary(person: Person, scene: Scene): Promise<Win | undefined> {
  await until(scene, person.buyer.tapsAtMs);
  const outcome = await persist(person, `${person.buyer.id}-1`);
  return won(outcome) ?? comeAgain(person, scene, outcome);
}

/** Taps before it is open, hears when it opens, and comes then. */
async function early(person: Person, scene: Scene): Promise<Win | undefined> {
  await until(scene, person.buyer.earlyTapAtMs);
  // On a busy machine the tap may arrive when it has opened, and win.
  return won(await person.tap(`${person.buyer.id}-0`)) ?? ordinary(person, scene);
}

/** Two requests with the same key, at the same moment. */
async function doubleClick(person: Person, scene: Scene): Promise<Win | undefined> {
  await until(scene, person.buyer.tapsAtMs);
  const key = `${person.buyer.id}-1`;
  scene.tally.doubleClicks += 1;
  const [first, second] = await Promise.all([person.tap(key), person.tap(key)]);
  return won(first) ?? won(second) ?? comeAgain(person, scene, first);
}

/** Gives up on the answer within milliseconds, twice, and repeats with the same key until there is one. */
async function impatient(person: Person, scene: Scene): Promise<Win | undefined> {
  await until(scene, person.buyer.tapsAtMs);
  const key = `${person.buyer.id}-1`;
  for (const patience of [person.buyer.patienceMs, person.buyer.patienceMs * 3]) {
    const outcome = await person.tap(key, patience);
    if (outcome.kind === 'won') return outcome.win;
    if (outcome.kind === 'refused' && !BUSY.has(outcome.code)) return comeAgain(person, scene, outcome);
  }
  const outcome = await persist(person, key);
  return won(outcome) ?? comeAgain(person, scene, outcome);
}

/** Hundreds of tries at once, with several keys. */
async function storm(person: Person, scene: Scene): Promise<Win | undefined> {
  await until(scene, person.buyer.tapsAtMs);
  scene.tally.botTries += BOT_TRIES;
  const tries = Array.from({ length: BOT_TRIES }, (_none, index) =>
    person.tap(`${person.buyer.id}-${index % BOT_KEYS}`),
  );
  const outcomes = await Promise.all(tries);
  const wins = outcomes.flatMap((outcome) => won(outcome) ?? []);
  return wins[0] ?? comeAgain(person, scene, outcomes[0] ?? { kind: 'unanswered' });
}

/** A unit that was not paid for comes back; whoever is there then may have it. */
async function comeAgain(person: Person, scene: Scene, before: TapOutcome): Promise<Win | undefined> {
  let last = before;
  const lastReturnMs = scene.brief.closesAtMs - scene.brief.opensAtMs - LAST_RETURN_BEFORE_CLOSE_MS;
  for (const [index, atMs] of person.buyer.returnsAtMs.entries()) {
    if (last.kind === 'refused' && last.code !== 'sold-out' && !BUSY.has(last.code)) return undefined;
    if (atMs > lastReturnMs) return undefined;
    await until(scene, atMs);
    if (scene.closing.over) return undefined;
    last = await persist(person, `${person.buyer.id}-again-${index}`);
    if (last.kind === 'won') return last.win;
  }
  return undefined;
}

/** Repeats one tap with the same key while the answer is "later". */
async function persist(person: Person, key: string): Promise<TapOutcome> {
  let outcome = await person.tap(key);
  for (let repeat = 0; repeat < MOST_REPEATS && mayRepeat(outcome); repeat += 1) {
    await sleep(pauseAfter(outcome));
    outcome = await person.tap(key);
  }
  return outcome;
}

function mayRepeat(outcome: TapOutcome): boolean {
  if (outcome.kind === 'unanswered') return true;
  return outcome.kind === 'refused' && (BUSY.has(outcome.code) || outcome.code === 'round-not-open');
}

function pauseAfter(outcome: TapOutcome): number {
  if (outcome.kind !== 'refused') return 0;
  // The opening is near, and everybody knows the second.
  if (outcome.code === 'round-not-open') return PAUSE_BEFORE_OPENING_MS;
  return Math.max(PAUSE_WHEN_BUSY_MS, Math.min(outcome.retryAfterMs, 2_000));
}

function won(outcome: TapOutcome): Win | undefined {
  return outcome.kind === 'won' ? outcome.win : undefined;
}
