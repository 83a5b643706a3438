// The profiles of the buyers. Every decision of a buyer is drawn here from the seed and the buyer's number, before the
// first request. The same seed gives the same profiles for any outcome of the sale.
import { between, type Random, randomFrom, weighted } from '../../lib/random';
import type { BuyerKind, PaymentKind } from './protocol';

/** The decisions of one buyer. Times are milliseconds relative to the opening unless noted. */
export interface BuyerProfile {
  readonly id: string;
  readonly kind: BuyerKind;
  readonly payment: PaymentKind;
  readonly itemIndex: number;
  /** When the buyer reads the round; undefined for buyers who do not. */
  readonly readsAtMs: number | undefined;
  readonly claimsAtMs: number;
  /** The claim of an early buyer before the opening. */
  readonly earlyClaimAtMs: number;
  /** When a buyer without a unit claims again; empty for buyers who do not. */
  readonly returnsAtMs: readonly number[];
  /** Duration: the request timeout of an impatient buyer. */
  readonly timeoutMs: number;
  /** Duration: the time from the win to the payment or cancellation. */
  readonly paysAfterMs: number;
  /** Duration in seconds: how long after the expiry a late payment arrives. */
  readonly lateBySeconds: number;
}

const BURST_MS = 3_000;
/** Share of buyers who read the round before they claim. */
const READING_SHARE = 0.06;
/** Share of buyers who claim again every few seconds until the end. */
const PATIENT_SHARE = 0.04;
/** Share of buyers who claim again a few times. */
const RETURNING_SHARE = 0.25;
const RETURNS_MAX = 60;
const BOTS_PER_BUYER = 1 / 400;

/** Claims of one bot at the opening. */
export const BOT_TRIES = 200;
/** The number of Idempotency-Keys that a bot uses. */
export const BOT_KEYS = 8;

const KINDS: readonly (readonly [number, BuyerKind])[] = [
  [74, 'ordinary'],
  [10, 'early'],
  [9, 'double-click'],
  [7, 'impatient'],
];

const PAYMENTS: readonly (readonly [number, PaymentKind])[] = [
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

interface ProfileOptions {
  readonly seed: number;
  readonly items: number;
  /** Time before the opening in which buyers read the round. */
  readonly readingMs: number;
  readonly paymentWindowMs: number;
}

/** Draws the profiles of all buyers. */
export function drawProfiles(options: ProfileOptions & { readonly buyers: number }): BuyerProfile[] {
  const bots = Math.max(1, Math.round(options.buyers * BOTS_PER_BUYER));
  return Array.from({ length: options.buyers }, (_none, index) => drawProfile(index, index < bots, options));
}

function drawProfile(index: number, isBot: boolean, options: ProfileOptions): BuyerProfile {
  const random = randomFrom(options.seed, 'buyer', index);
  const kind = isBot ? 'bot' : weighted(random, KINDS);
  const payment = weighted(random, PAYMENTS);
  const itemIndex = Math.floor(random() * options.items);
  // Most claims come at the beginning of the burst.
  const claimsAtMs = isBot ? between(random, -50, 250) : BURST_MS * random() ** 2;
  const reads = random() < READING_SHARE;
  const readsAtMs = -between(random, 700, options.readingMs);
  const earlyClaimAtMs = -between(random, 100, 600);
  return {
    id: `b_${options.seed}_${index}`,
    kind,
    payment,
    itemIndex,
    readsAtMs: reads ? readsAtMs : undefined,
    claimsAtMs: kind === 'early' ? between(random, 0, 80) : claimsAtMs,
    earlyClaimAtMs,
    returnsAtMs: returnsOf(random, options.paymentWindowMs),
    timeoutMs: between(random, 2, 60),
    paysAfterMs: between(random, 800, options.paymentWindowMs * 0.5),
    lateBySeconds: Math.floor(between(random, 1, 5)),
  };
}

/** Unpaid units are released one payment window after the opening, and again one window later. */
function returnsOf(random: Random, paymentWindowMs: number): number[] {
  const share = random();
  const first = between(random, 0.9, 1.5) * paymentWindowMs;
  if (share < PATIENT_SHARE) {
    const pauseMs = between(random, 1_500, 4_000);
    return Array.from({ length: RETURNS_MAX }, (_none, index) => first + index * pauseMs);
  }
  const later = [first + between(random, 1_000, 4_000), first + paymentWindowMs + between(random, 0, 3_000)];
  return share < PATIENT_SHARE + RETURNING_SHARE ? [first, ...later] : [];
}
