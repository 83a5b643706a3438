// Fourth step: the answer. A refusal first checks whether the same request was accepted earlier.
import type { Problem } from '@gravity/contracts';
import { ok } from '@gravity/kernel';
import type { ClaimDecision } from '../../decision/claim-command';
import type { Answer, Claim } from './claim';
import type { PlacedClaims } from './placed-claims';
import { ABORTED, refusalOf } from './refusals';

export class AnswerClaim {
  constructor(private readonly placed: PlacedClaims) {}

  /** The answer to a decision; undefined when the claim has to be admitted again. Throws database errors. */
  async decided(claim: Claim, decision: ClaimDecision): Promise<Answer | undefined> {
    switch (decision.outcome) {
      case 'ACCEPTED':
        return ok(this.placed.fresh(claim, claim.item, decision.placedAtMs, decision.expiresAtMs));
      case 'REPLAYED':
        return this.placed.replay(claim, decision);
      case 'STALE_EPOCH':
      case 'TOMBSTONED':
      case 'RETRY':
        return undefined;
      case 'ABORTED':
        return { ok: false, error: ABORTED };
      default:
        return { ok: false, error: refusalOf({ kind: decision.outcome }) };
    }
  }

  /** The refusal, or the first answer when the same request was accepted earlier. Throws database errors. */
  async refused(claim: Claim, problem: Problem): Promise<Answer> {
    const known = await this.placed.find(claim);
    return known ?? { ok: false, error: problem };
  }
}
