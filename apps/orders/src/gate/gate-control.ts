// The calls that the rest of the service makes to the gate. Postgres has decided first; these calls make Redis follow.

/** One item as the gate sees it. Quantities are units. */
export interface GateItemView {
  readonly epoch: bigint;
  readonly state: 'loading' | 'open' | 'stopped';
  readonly available: number;
  /** Units of all live claims the gate has let through, pending ones included. */
  readonly claimed: number;
  /** Claims noted as pending: let through, decision not yet confirmed to the gate. */
  readonly pending: readonly { readonly claimId: string; readonly quantity: number }[];
}

export abstract class GateControl {
  /**
   * Loads every live round of the series into the gate under a new epoch, from Postgres. With `observedEpoch`, does
   * nothing when another process has moved the series on since. Returns false when Redis does not answer: the series is
   * then switched to DIRECT admission.
   */
  abstract load(seriesId: string, observedEpoch?: bigint): Promise<boolean>;

  /** Makes the gate follow a stop or resume that is already committed in Postgres. Never throws for a missing Redis. */
  abstract setSelling(seriesId: string, itemIds: readonly string[], selling: boolean): Promise<void>;

  /** Removes the keys of rounds that are over. Never throws for a missing Redis. */
  abstract forget(seriesId: string, itemIds: readonly string[]): Promise<void>;

  /** Tells the returns worker that rows were committed to `gate_returns`. */
  abstract wakeReturns(): void;

  /**
   * The items as the gate holds them, or undefined when Redis does not answer. An absent item is missing in the map.
   */
  abstract view(seriesId: string, itemIds: readonly string[]): Promise<ReadonlyMap<string, GateItemView> | undefined>;

  /**
   * Takes units for a late payment, as a claim would: true when the gate (or, in DIRECT admission, Postgres later) may
   * still have them. The caller decides in Postgres and then reports with {@link settle}.
   */
  abstract take(claim: LateClaim): Promise<LateAdmission>;

  /** Reports the decision on a claim that was taken: confirmed or cancelled. */
  abstract settle(claim: LateClaim, admission: LateAdmission, confirmed: boolean): void;
}

/** The gate's answer to a late payment; the epoch is null in DIRECT admission. */
export interface LateAdmission {
  readonly admitted: boolean;
  readonly epoch: bigint | null;
  readonly admissionNumber: bigint | null;
}

export interface LateClaim {
  readonly seriesId: string;
  readonly itemId: string;
  readonly claimId: string;
  readonly buyerId: string;
  readonly quantity: number;
}
