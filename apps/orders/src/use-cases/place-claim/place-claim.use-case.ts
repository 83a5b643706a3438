// A buyer claims units of a round's item: precheck → admit → decide → answer. The gate admits, Postgres decides, and the
// answer follows the commit. Each step is a file of its own; this one only joins them.
import { classifyDatabaseError, QueueFullError } from '@gravity/persistence';
import { sleep } from '@gravity/kernel';
import type { AdmissionOrders } from '../../gate/admission-order';
import type { SaleDirectory, SaleRound } from '../../sales/sale-directory';
import type { Admit } from './admit';
import type { AnswerClaim } from './answer';
import type { Answer, Claim } from './claim';
import type { ClaimOutcome } from './claim-metrics';
import type { Decide } from './decide';
import type { PlaceClaim } from './place-claim.command';
import type { Precheck } from './precheck';
import { ABORTED, GATE_MOVES, OVERLOADED } from './refusals';

/** Attempts of a claim while its gate is changing, before the buyer is asked to repeat. */
const ATTEMPTS_MAX = 12;

/** The steps of a claim and what they share. */
export interface ClaimSteps {
  readonly directory: SaleDirectory;
  readonly precheck: Precheck;
  readonly orders: AdmissionOrders;
  readonly admit: Admit;
  readonly decide: Decide;
  readonly answer: AnswerClaim;
  readonly onOutcome?: (outcome: ClaimOutcome) => void;
}

export class PlaceClaimUseCase {
  constructor(private readonly steps: ClaimSteps) {}

  /**
   * The order awaiting payment, after its commit; or a refusal. Throws database errors. A repeated request gets the
   * answer of the first one. Refusals from memory are answered without a promise object: they are the most frequent
   * answer.
   */
  execute(request: PlaceClaim): Answer | Promise<Answer> {
    const round = this.steps.directory.get(request.roundId);
    return round instanceof Promise ? round.then((read) => this.place(read, request)) : this.place(round, request);
  }

  private place(round: SaleRound | undefined, request: PlaceClaim): Answer | Promise<Answer> {
    const checked = this.steps.precheck.check(request, round);
    switch (checked.kind) {
      case 'refused':
        this.steps.onOutcome?.(checked.problem.code);
        return { ok: false, error: checked.problem };
      case 'refused-if-new':
        return this.counted(this.steps.answer.refused(checked.claim, checked.problem));
      case 'passed': {
        const { claim } = checked;
        const order = this.steps.orders[claim.round.admissionOrder];
        const inLine = { item: claim.item, buyerId: request.buyerId, opensAtMs: claim.round.opensAtMs };
        return this.counted(order.inTurn(inLine, () => this.letIn(claim)));
      }
    }
  }

  /** Admit → decide → answer, and again when the gate changes in between. */
  private async letIn(first: Claim): Promise<Answer> {
    const { directory, admit, decide, answer } = this.steps;
    let claim = first;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const admission = await admit.admit(claim);
      if (admission.kind === 'refused') return answer.refused(claim, admission.problem);
      if (admission.kind === 'admitted') {
        const told = await answer.decided(claim, await decide.decide(claim, admission));
        if (told !== undefined) return told;
      } else if (admission.waitMs > 0) {
        await sleep(admission.waitMs);
      }
      const round = await directory.refresh(claim.round.roundId);
      const item = round?.items.get(claim.request.itemId);
      if (round === undefined || item === undefined) break;
      claim = { ...claim, round, item };
    }
    return { ok: false, error: GATE_MOVES };
  }

  private async counted(answering: Promise<Answer>): Promise<Answer> {
    const { onOutcome } = this.steps;
    try {
      const answer = await answering;
      onOutcome?.(outcomeOf(answer));
      return answer;
    } catch (error) {
      onOutcome?.(outcomeOfError(error));
      if (error instanceof QueueFullError) return { ok: false, error: OVERLOADED };
      throw error;
    }
  }
}

/** The label under which an answer is counted. */
function outcomeOf(answer: Answer): ClaimOutcome {
  if (answer.ok) return answer.value.replayed ? 'replayed' : 'accepted';
  return answer.error === ABORTED ? 'aborted' : answer.error.code;
}

/** The label under which an exception is counted. */
function outcomeOfError(error: unknown): ClaimOutcome {
  if (error instanceof QueueFullError) return 'overloaded';
  const kind = classifyDatabaseError(error);
  if (kind === 'unknown-outcome') return 'outcome-unknown';
  return kind === 'overloaded' || kind === 'unavailable' ? kind : 'internal';
}
