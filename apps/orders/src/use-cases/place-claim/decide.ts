// Third step: Postgres decides an admitted claim, and the gate gets the decision.
import type { ClaimDecision } from '../../decision/claim-command';
import type { ClaimDecider } from '../../decision/claim-decider';
import type { RedisGate, Verdict } from '../../gate/redis-gate';
import type { SaleItem } from '../../sales/sale-directory';
import type { Admitted } from './admit';
import type { Claim } from './claim';

/** The same claim may be repeated at this moment and be accepted. The sweeper settles the units of an aborted claim. */
const NOTHING_TO_REPORT: ReadonlySet<ClaimDecision['outcome']> = new Set(['STALE_EPOCH', 'RETRY', 'ABORTED']);

export class Decide {
  constructor(
    private readonly decider: ClaimDecider,
    private readonly gate: RedisGate,
  ) {}

  /** The decision, after its commit. Throws QueueFullError and database errors; then the outcome may be unknown. */
  async decide(claim: Claim, admitted: Admitted): Promise<ClaimDecision> {
    const { request, round, item } = claim;
    const decision = await this.decider.submit({
      claimId: claim.claimId,
      orderId: claim.orderId,
      orderKey: claim.orderKey,
      item,
      buyerId: request.buyerId,
      quantity: request.quantity,
      epoch: admitted.epoch,
      admissionNumber: admitted.number,
      fingerprint: claim.fingerprint,
      regionCode: request.regionCode,
      paymentWindowMs: round.paymentWindowMs,
      traceparent: request.traceparent,
      aborted: request.aborted,
    });
    this.report(claim, admitted, decision);
    return decision;
  }

  /** Not awaited: the sweeper settles lost reports. */
  private report({ claimId, item }: Claim, { epoch, number }: Admitted, decision: ClaimDecision): void {
    if (epoch === null || NOTHING_TO_REPORT.has(decision.outcome)) return;
    this.gate
      .report(item.seriesId, item.itemId, claimId, { epoch, number }, verdictOf(item, decision))
      .catch(() => undefined);
  }
}

function verdictOf(item: SaleItem, decision: ClaimDecision): Verdict {
  if (decision.outcome === 'ACCEPTED') return 'confirmed';
  // The key was used for another item before: this claim was admitted here, but its order is for the other item.
  if (decision.outcome !== 'REPLAYED' || decision.itemId !== item.itemId) return 'cancelled';
  return decision.live ? 'confirmed' : 'released';
}
