// What the demo and the process of the crowd tell each other.
import type { SigningKey } from '../../lib/token-signer';

/** An item the crowd is after. */
export interface CrowdItem {
  readonly itemId: string;
  readonly price: { readonly amount: number; readonly currency: string };
}

/** The order to the crowd. */
export interface CrowdBrief {
  readonly baseUrl: string;
  readonly seed: number;
  readonly buyers: number;
  readonly roundId: string;
  readonly items: readonly CrowdItem[];
  /** Milliseconds since the epoch. */
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly paymentWindowMs: number;
  readonly signingKey: SigningKey;
}

/** How a buyer behaves at the counter. */
export type BuyerKind = 'ordinary' | 'early' | 'bot' | 'double-click' | 'impatient';

/** How a buyer pays once there is something to pay. */
export type PayKind =
  | 'at-once'
  | 'after-a-while'
  | 'never'
  | 'callback-twice'
  | 'callbacks-out-of-order'
  | 'callback-lost'
  | 'answer-lost'
  | 'declined-first'
  | 'late'
  | 'cancels';

/** One acknowledged win: what a 201 said. */
export interface Win {
  readonly buyerId: string;
  readonly key: string;
  readonly kind: BuyerKind;
  readonly pays: PayKind;
  readonly itemId: string;
  readonly orderId: string;
  readonly quantity: number;
  readonly total: number;
  readonly placedAt: string;
  readonly expiresAt: string;
  /** True when the answer was the repeated answer of an earlier request. */
  readonly replayed: boolean;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** What the crowd is at, a few times per second. */
export interface CrowdProgress {
  readonly type: 'progress';
  readonly requests: number;
  readonly accepted: number;
  readonly refused: number;
  readonly paid: number;
  /** Buyers who are not done yet. */
  readonly active: number;
}

/** What the crowd has seen, when everybody is done. */
export interface CrowdResult {
  readonly type: 'result';
  readonly requests: number;
  /** Every 201, replays included. */
  readonly wins: readonly Win[];
  readonly refused: Readonly<Record<string, number>>;
  readonly latencyMs: { readonly accepted: Latency; readonly refused: Latency };
  /** Connections given up by their client while the answer was under way. */
  readonly abandoned: number;
  /** Double clicks: pairs sent, pairs of which both were answered 201. */
  readonly doubleClicks: number;
  readonly bots: { readonly buyers: number; readonly tries: number };
  /** Tries that broke a rule of the protocol: answers 5xx other than 503, or no answer at all. First few of them. */
  readonly surprises: readonly string[];
}

/** Says that the crowd stands ready: tokens signed, connections open. */
export interface CrowdReady {
  readonly type: 'ready';
}

export type FromCrowd = CrowdReady | CrowdProgress | CrowdResult;

/** Everything is sold and paid: whoever still waits may go. */
export interface GoHome {
  readonly type: 'go-home';
}
