// One claim on its way: the request, its ids, and the facts of its sale.
import type { Problem } from '@gravity/contracts';
import { idFromUuid, newUuid, type Result, uuidFromParts } from '@gravity/kernel';
import type { SaleItem, SaleRound } from '../../sales/sale-directory';
import type { PlaceClaim } from './place-claim.command';
import type { PlacedClaim } from './placed-claims';

/** The answer to the caller. */
export type Answer = Result<PlacedClaim, Problem>;

export interface Claim {
  readonly request: PlaceClaim;
  /** The same for each request of this buyer under this Idempotency-Key. */
  readonly claimId: string;
  readonly fingerprint: string;
  readonly orderId: string;
  /** The order id on the wire. */
  readonly orderKey: string;
  readonly round: SaleRound;
  readonly item: SaleItem;
}

/** A request as a claim of an item, with a new order id. */
export function claimOf(request: PlaceClaim, round: SaleRound, item: SaleItem): Claim {
  const orderId = newUuid();
  return {
    request,
    claimId: uuidFromParts('claim', request.buyerId, request.idempotencyKey),
    fingerprint: fingerprintOf(request),
    orderId,
    orderKey: idFromUuid('order', orderId),
    round,
    item,
  };
}

/** Two requests with equal fingerprints are the same request. The item stands for its round too. */
function fingerprintOf({ itemId, quantity, regionCode, expectedTotal }: PlaceClaim): string {
  const total = expectedTotal === undefined ? '' : `${expectedTotal.amount}${expectedTotal.currency}`;
  return `${itemId}:${quantity}:${regionCode}:${total}`;
}
