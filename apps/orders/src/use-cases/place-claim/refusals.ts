// All refusals of a claim, worded for the developer of the client.
import { type Problem, refuse } from '@gravity/contracts';
import { toRfc3339 } from '@gravity/kernel';
import type { SaleItem, SaleRound } from '../../sales/sale-directory';
import type { PlaceClaim } from './place-claim.command';

export const NO_SUCH_ITEM: Problem = {
  code: 'not-found',
  detail: 'There is no such item in this round. Read the round again.',
};

/** One object for this refusal, so that its problem document is made once. */
export const SOLD_OUT: Problem = {
  code: 'sold-out',
  detail: 'All units are taken. Unpaid units come back on sale while the round is open.',
};

/** No judgement: the claim was not looked at and may be repeated. */
export const OVERLOADED: Problem = {
  code: 'overloaded',
  detail: 'Too many claims are waiting. Repeat with the same Idempotency-Key.',
  retryAfterSeconds: 1,
};

/** No judgement: the gate changed at each attempt. */
export const GATE_MOVES: Problem = {
  code: 'unavailable',
  detail: 'The sale is moving to another gate. Repeat with the same Idempotency-Key.',
  retryAfterSeconds: 1,
};

/** Not decided: the caller has disconnected. */
export const ABORTED: Problem = {
  code: 'unavailable',
  detail: 'The caller disconnected before the claim was decided.',
};

/**
 * The refusal that follows from the round's facts alone; undefined when the gate has to be asked. The gate is asked
 * from `openingMarginMs` before the opening on.
 */
export function localRefusal(
  request: PlaceClaim,
  round: SaleRound,
  item: SaleItem,
  nowMs: number,
  openingMarginMs: number,
): Problem | undefined {
  switch (round.status) {
    case 'CANCELLED':
    case 'CLOSED':
    case 'SETTLED':
      return refuse('round-closed', 'The round takes no more claims. List the rounds for the next one.').error;
    case 'DRAFT':
    case 'APPROVED':
      return notOpen(nowMs, round.opensAtMs);
    default:
      break;
  }
  if (round.stopped) return refusalOf({ kind: 'stopped' });
  if (nowMs < round.opensAtMs - openingMarginMs) return notOpen(nowMs, round.opensAtMs);
  if (request.quantity > item.perOrderLimit) {
    return refuse('limit-reached', `At most ${item.perOrderLimit} units of this item fit into one order.`, {
      extensions: { perOrderLimit: item.perOrderLimit },
    }).error;
  }
  if (item.regions !== undefined && !item.regions.has(request.regionCode)) {
    return refuse('not-deliverable', `The item is not delivered to ${request.regionCode}.`).error;
  }
  return priceChange(request, item);
}

function priceChange(request: PlaceClaim, item: SaleItem): Problem | undefined {
  const total = { amount: Number(item.priceMinor) * request.quantity, currency: item.currency };
  const expected = request.expectedTotal;
  if (expected === undefined || (expected.amount === total.amount && expected.currency === total.currency))
    return undefined;
  return refuse('price-changed', 'The total is not the one the buyer saw. Show the new total and ask again.', {
    extensions: { total },
  }).error;
}

function notOpen(nowMs: number, opensAtMs: number): Problem {
  return refuse('round-not-open', `The round opens at ${toRfc3339(opensAtMs)}.`, {
    retryAfterSeconds: Math.max(1, Math.ceil((opensAtMs - nowMs) / 1_000)),
    extensions: { opensAt: toRfc3339(opensAtMs), serverTime: toRfc3339(nowMs) },
  }).error;
}

type Refusal =
  | { readonly kind: 'not-open'; readonly nowMs: number; readonly opensAtMs: number }
  | { readonly kind: 'limit-reached' | 'already-won' | 'closed' | 'stopped' | 'other-quantity' }
  | { readonly kind: 'NOT_SELLING' | 'NOT_OPEN' | 'CLOSED' | 'LIMIT_REACHED' | 'ALREADY_WON' | 'SOLD_OUT' };

/** The problem for a refusal of the gate or of the decision. */
export function refusalOf(refusal: Refusal): Problem {
  switch (refusal.kind) {
    case 'not-open':
      return notOpen(refusal.nowMs, refusal.opensAtMs);
    case 'NOT_OPEN':
      return refuse('round-not-open', 'The round is not open yet.', { retryAfterSeconds: 1 }).error;
    case 'limit-reached':
    case 'LIMIT_REACHED':
      return refuse('limit-reached', 'The buyer has as many units of this item as one buyer may have.').error;
    case 'already-won':
    case 'ALREADY_WON':
      return refuse('already-won', 'The buyer has won as often as this series allows.').error;
    case 'other-quantity':
      return refuse(
        'idempotency-key-reused',
        'This Idempotency-Key belongs to another claim. Use a new key for a new claim.',
      ).error;
    case 'closed':
    case 'CLOSED':
      return refuse('round-closed', 'The round takes no more claims. List the rounds for the next one.').error;
    case 'SOLD_OUT':
      return SOLD_OUT;
    case 'stopped':
    case 'NOT_SELLING':
      return refuse('sale-stopped', 'The sale of this round is stopped for the moment.', { retryAfterSeconds: 5 })
        .error;
  }
}
