/** A buyer's claim, as REST and gRPC hand it over. */
export interface PlaceClaim {
  readonly buyerId: string;
  /** Wire id of the round, already turned into a uuid. */
  readonly roundId: string;
  readonly idempotencyKey: string;
  readonly itemId: string;
  readonly quantity: number;
  readonly regionCode: string;
  readonly expectedTotal: { readonly amount: number; readonly currency: string } | undefined;
  readonly traceparent: string | undefined;
  /** True when the caller has disconnected. Such a claim is not decided. */
  readonly aborted?: () => boolean;
}
