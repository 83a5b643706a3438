// A payment that arrives after its order closed has one answer, given once: honoured with a fresh unit, or refunded.

/** The facts in Postgres, read under its locks, when the answer is given. Counts are units. */
export interface LatePaymentFacts {
  /** False when the gate had no unit for it. True without a gate (DIRECT admission): Postgres alone decides then. */
  readonly admitted: boolean;
  /** The admission counts: same epoch as the item, and not given up by a tombstone. */
  readonly admissionValid: boolean;
  readonly selling: boolean;
  readonly roundOpen: boolean;
  readonly available: number;
  readonly quantity: number;
  readonly perBuyerLimit: number;
  /** Units that the buyer has in live orders of this item. */
  readonly buyerUnits: number;
  readonly winLimit?: number;
  readonly wins: number;
}

export type LatePaymentReason =
  'fresh-unit' | 'not-admitted' | 'sale-stopped' | 'round-over' | 'sold-out' | 'limit-reached' | 'already-won';

export type LatePaymentDecision =
  | { readonly decision: 'HONOURED'; readonly reason: LatePaymentReason }
  | { readonly decision: 'REFUNDED'; readonly reason: LatePaymentReason }
  /**
   * Ask the gate again: it was rebuilt in between (stale-admission), or it has not offered yet a unit that Postgres has
   * free (unit-at-rest): a returned unit rests for a moment before it is for sale.
   */
  | { readonly decision: 'TAKE_AGAIN'; readonly reason: 'stale-admission' | 'unit-at-rest' };

/**
 * Decides a late payment. `mayTakeAgain` bounds the rounds with the gate; without it a payment that the gate refused is
 * refunded.
 */
export function decideLatePayment(facts: LatePaymentFacts, mayTakeAgain: boolean): LatePaymentDecision {
  const refunded = (reason: LatePaymentReason): LatePaymentDecision => ({ decision: 'REFUNDED', reason });
  if (!facts.roundOpen) return refunded('round-over');
  if (!facts.selling) return refunded('sale-stopped');
  if (facts.winLimit !== undefined && facts.wins >= facts.winLimit) return refunded('already-won');
  if (facts.buyerUnits + facts.quantity > facts.perBuyerLimit) return refunded('limit-reached');
  if (facts.available < facts.quantity) return refunded('sold-out');
  if (!facts.admitted || !facts.admissionValid) {
    if (!mayTakeAgain) return refunded('not-admitted');
    return { decision: 'TAKE_AGAIN', reason: facts.admitted ? 'stale-admission' : 'unit-at-rest' };
  }
  return { decision: 'HONOURED', reason: 'fresh-unit' };
}
