// The input and the answers of the decision.
import type { SaleItem } from '../sales/sale-directory';

export interface ClaimCommand {
  readonly claimId: string;
  readonly orderId: string;
  /** The order id on the wire. */
  readonly orderKey: string;
  readonly item: SaleItem;
  readonly buyerId: string;
  readonly quantity: number;
  /** The gate's epoch and number of the admission; null in DIRECT admission. */
  readonly epoch: bigint | null;
  readonly admissionNumber: number | null;
  readonly fingerprint: string;
  readonly regionCode: string;
  readonly paymentWindowMs: number;
  readonly traceparent: string | undefined;
  /** True once the caller has left without the answer. */
  readonly aborted?: (() => boolean) | undefined;
}

export type ClaimDecision =
  | { readonly outcome: 'ACCEPTED'; readonly placedAtMs: number; readonly expiresAtMs: number }
  | {
      readonly outcome: 'REPLAYED';
      readonly orderId: string;
      readonly itemId: string;
      readonly fingerprint: string;
      readonly live: boolean;
    }
  | { readonly outcome: Refused }
  /** Not decided, because the caller has left. */
  | { readonly outcome: 'ABORTED' };

/** Every way a decision can say no, or not yet. */
export type Refused =
  | 'TOMBSTONED'
  | 'STALE_EPOCH'
  | 'NOT_SELLING'
  | 'NOT_OPEN'
  | 'CLOSED'
  | 'LIMIT_REACHED'
  | 'ALREADY_WON'
  | 'SOLD_OUT'
  | 'RETRY';
