// The messages between the demo and the process of the buyers.
import type { SigningKey } from '../../lib/token-signer';

export interface ItemForSale {
  readonly itemId: string;
  readonly price: { readonly amount: number; readonly currency: string };
}

/** The task of the buyers. */
export interface BuyersTask {
  readonly baseUrl: string;
  readonly seed: number;
  readonly buyers: number;
  readonly roundId: string;
  readonly items: readonly ItemForSale[];
  /** Milliseconds since the epoch. */
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly paymentWindowMs: number;
  readonly signingKey: SigningKey;
}

/** How a buyer claims. */
export type BuyerKind = 'ordinary' | 'early' | 'bot' | 'double-click' | 'impatient';

/** How a winner pays. */
export type PaymentKind =
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

/** An acknowledged win: the content of a 201. */
export interface Win {
  readonly buyerId: string;
  readonly key: string;
  readonly kind: BuyerKind;
  readonly payment: PaymentKind;
  readonly itemId: string;
  readonly orderId: string;
  readonly quantity: number;
  readonly total: number;
  readonly placedAt: string;
  readonly expiresAt: string;
  /** True for the stored answer of an earlier request. */
  readonly replayed: boolean;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** Sent a few times per second. */
export interface BuyersProgress {
  readonly type: 'progress';
  readonly requests: number;
  readonly accepted: number;
  readonly refused: number;
  readonly paid: number;
  /** Buyers who have not finished. */
  readonly active: number;
}

/** Sent after the last request. */
export interface BuyersResult {
  readonly type: 'result';
  readonly requests: number;
  /** Every 201, replays included. */
  readonly wins: readonly Win[];
  readonly refused: Readonly<Record<string, number>>;
  readonly latencyMs: { readonly accepted: Latency; readonly refused: Latency };
  /** Requests that the client aborted. */
  readonly abandoned: number;
  /** Buyers who sent the same claim twice at once. */
  readonly doubleClicks: number;
  readonly bots: { readonly buyers: number; readonly tries: number };
  /** The first few unexpected outcomes: answers 5xx except 503, or no answer. */
  readonly unexpected: readonly string[];
}

export type BuyersMessage = BuyersProgress | BuyersResult;

/** Everything is sold and paid: the buyers stop waiting. */
export interface StopBuying {
  readonly type: 'stop';
}
