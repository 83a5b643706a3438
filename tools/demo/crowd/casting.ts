// Who is in the crowd. Everything a buyer will do is drawn here from the seed and the buyer's number, before the first
// request: the same seed brings the same crowd, however the sale goes.
import { between, type Random, randomFrom, weighted } from '../../lib/random';
import type { BuyerKind, PayKind } from './protocol';

/** One buyer's character. Times are milliseconds relative to the opening. */
export interface Buyer {
  readonly id: string;
  readonly kind: BuyerKind;
  readonly pays: PayKind;
  /** Index of the item wanted. */
  readonly wants: number;
  /** When the buyer opens the page of the round; undefined for those who come from a live room, where they see it. */
  readonly looksAtMs: number | undefined;
  /** When the buyer taps. */
  readonly tapsAtMs: number;
  /** An early buyer's tap before the opening. */
  readonly earlyTapAtMs: number;
  /** When a buyer who found nothing comes again; empty for those who do not. */
  readonly returnsAtMs: readonly number[];
  /** How long the client of an impatient buyer waits for its first answers. */
  readonly patienceMs: number;
  /** How long somebody thinks before paying. */
  readonly thinksMs: number;
  /** A late payer's money arrives this long after the order has expired, in seconds. */
  readonly lateBySeconds: number;
}

const BURST_MS = 3_000;
/** Share of buyers who open the page of the round before they tap. */
const LOOKERS = 0.06;
/** Share of buyers who look again every few seconds until the end, and of those who come again a few times. */
const PATIENT = 0.04;
const RETURNERS = 0.25;
const MOST_RETURNS = 60;
const BOTS_PER_BUYER = 1 / 400;

/** Tries of one bot at the opening. */
export const BOT_TRIES = 200;
/** Idempotency-Keys among which a bot's tries are spread. */
export const BOT_KEYS = 8;

const KINDS: readonly (readonly [number, BuyerKind])[] = [
  [74, 'ordinary'],
  [10, 'early'],
  [9, 'double-click'],
  [7, 'impatient'],
];

const PAYS: readonly (readonly [number, PayKind])[] = [
  [44, 'at-once'],
  [12, 'after-a-while'],
  [12, 'never'],
  [7, 'callback-twice'],
  [4, 'callbacks-out-of-order'],
  [4, 'callback-lost'],
  [3, 'answer-lost'],
  [5, 'declined-first'],
  [6, 'late'],
  [3, 'cancels'],
];

/** Draws the crowd. `lobbyMs` is how long before the opening the first ones come in. */
export function castCrowd(options: {
  seed: number;
  buyers: number;
  items: number;
  lobbyMs: number;
  paymentWindowMs: number;
}): Buyer[] {
  const bots = Math.max(1, Math.round(options.buyers * BOTS_PER_BUYER));
  return Array.from({ length: options.buyers }, (_none, index) => cast(index, index < bots, options));
}

function cast(
  index: number,
  isBot: boolean,
  options: { seed: number; items: number; lobbyMs: number; paymentWindowMs: number },
): Buyer {
  const random = randomFrom(options.seed, 'buyer', index);
  const kind = isBot ? 'bot' : weighted(random, KINDS);
  const pays = weighted(random, PAYS);
  const wants = Math.floor(random() * options.items);
  // Most taps come in the first moments, fewer towards the end of the burst.
  const tapsAtMs = isBot ? between(random, -50, 250) : BURST_MS * random() ** 2;
  const looks = random() < LOOKERS;
  const looksAtMs = -between(random, 700, options.lobbyMs);
  const earlyTapAtMs = -between(random, 100, 600);
  return {
    id: `b_${options.seed}_${index}`,
    kind,
    pays,
    wants,
    looksAtMs: looks ? looksAtMs : undefined,
    tapsAtMs: kind === 'early' ? between(random, 0, 80) : tapsAtMs,
    earlyTapAtMs,
    returnsAtMs: returnsOf(random, options.paymentWindowMs),
    patienceMs: between(random, 2, 60),
    thinksMs: between(random, 800, options.paymentWindowMs * 0.5),
    lateBySeconds: Math.floor(between(random, 1, 5)),
  };
}

/** Unpaid units come back one payment window after the opening, and again one window later. A few wait for them. */
function returnsOf(random: Random, paymentWindowMs: number): number[] {
  const stays = random();
  const first = between(random, 0.9, 1.5) * paymentWindowMs;
  if (stays < PATIENT) {
    const pauseMs = between(random, 1_500, 4_000);
    return Array.from({ length: MOST_RETURNS }, (_none, index) => first + index * pauseMs);
  }
  const later = [first + between(random, 1_000, 4_000), first + paymentWindowMs + between(random, 0, 3_000)];
  return stays < PATIENT + RETURNERS ? [first, ...later] : [];
}
