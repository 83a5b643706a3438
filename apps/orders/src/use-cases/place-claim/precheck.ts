// First step: the facts in memory. Most claims are refused here, so this step makes no promise object.
import type { Problem } from '@gravity/contracts';
import type { Clock } from '@gravity/kernel';
import type { ClaimDecider } from '../../decision/claim-decider';
import type { AdmissionOrders } from '../../gate/admission-order';
import type { SoldOutBoard } from '../../gate/sold-out-board';
import type { SaleRound } from '../../sales/sale-directory';
import { type Claim, claimOf } from './claim';
import type { PlaceClaim } from './place-claim.command';
import { localRefusal, NO_SUCH_ITEM, OVERLOADED, SOLD_OUT } from './refusals';

export type Prechecked =
  | { readonly kind: 'passed'; readonly claim: Claim }
  /** Final: no accepted claim is answered like this, or nothing was judged. */
  | { readonly kind: 'refused'; readonly problem: Problem }
  /** The present facts refuse it, but the same request may have been accepted earlier. */
  | { readonly kind: 'refused-if-new'; readonly claim: Claim; readonly problem: Problem };

export class Precheck {
  constructor(
    private readonly board: SoldOutBoard,
    private readonly decider: Pick<ClaimDecider, 'isFull'>,
    private readonly orders: AdmissionOrders,
    private readonly clock: Clock,
  ) {}

  /** Judges a request by the facts in memory. */
  check(request: PlaceClaim, round: SaleRound | undefined): Prechecked {
    const item = round?.items.get(request.itemId);
    if (round === undefined || item === undefined || round.status === 'DRAFT') return refused(NO_SUCH_ITEM);
    // Buyers with a claim of the item go to the gate in spite of the flag.
    if (this.board.refuses(item.itemId, item.epoch, request.buyerId)) return refused(SOLD_OUT);
    // This comes before the gate takes a unit. A repeated request gets this answer too, also when its claim was accepted:
    // the answer judges nothing and asks for the same key again. A later repetition gets the first answer.
    if (this.decider.isFull) return refused(OVERLOADED);
    const claim = claimOf(request, round, item);
    const marginMs = this.orders[round.admissionOrder].openingMarginMs;
    const problem = localRefusal(request, round, item, this.clock.nowMs(), marginMs);
    return problem === undefined ? { kind: 'passed', claim } : { kind: 'refused-if-new', claim, problem };
  }
}

const refused = (problem: Problem): Prechecked => ({ kind: 'refused', problem });
