// The order in which the claims of an opening reach the gate. The series chooses one of two strategies.
import type { Problem } from '@gravity/contracts';
import type { Result } from '@gravity/kernel';
import type { AdmissionOrderName } from '../domain/round';
import type { OpeningDraw } from './opening-draw';
import type { DrawnItem } from './opening-lots';

/** A claim that stands before the gate. */
export interface ClaimInLine {
  readonly item: DrawnItem;
  readonly buyerId: string;
  readonly opensAtMs: number;
}

export interface AdmissionOrder {
  /**
   * Claims may reach the gate this long before the opening by the process' clock. The gate's own clock judges. In ms.
   */
  readonly openingMarginMs: number;
  /** Calls `letIn` when it is the claim's turn and returns its answer, or refuses the claim. */
  inTurn<T>(claim: ClaimInLine, letIn: () => Promise<Result<T, Problem>>): Promise<Result<T, Problem>>;
}

/** The strategies by the name that a series has for them. */
export type AdmissionOrders = Readonly<Record<AdmissionOrderName, AdmissionOrder>>;

/** This close to the opening the gate's clock decides, not the process'. */
const OPENING_MARGIN_MS = 1_000;

/** Claims come to the gate as they arrive. */
export const firstCome: AdmissionOrder = {
  openingMarginMs: OPENING_MARGIN_MS,
  inTurn: (_claim, letIn) => letIn(),
};

/** Claims of the first moments come to the gate in the order that the draw gives to their buyers. */
export class DrawnOrder implements AdmissionOrder {
  /** The process' clock alone judges the opening: a gate whose clock is ahead would let a claim in before the draw. */
  readonly openingMarginMs = 0;

  /** `refusalAfterWait`: whether the claim is refused by now, without asking the gate. */
  constructor(
    private readonly draw: OpeningDraw,
    private readonly refusalAfterWait: (claim: ClaimInLine) => Problem | undefined,
  ) {}

  async inTurn<T>(claim: ClaimInLine, letIn: () => Promise<Result<T, Problem>>): Promise<Result<T, Problem>> {
    const turn = this.draw.turn(claim.item, claim.buyerId, claim.opensAtMs);
    if (turn === undefined) return letIn();
    if (!(turn instanceof Promise)) return { ok: false, error: turn };
    await turn;
    const problem = this.refusalAfterWait(claim);
    return problem === undefined ? letIn() : { ok: false, error: problem };
  }
}
