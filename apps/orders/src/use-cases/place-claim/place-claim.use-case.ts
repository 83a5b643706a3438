// A buyer claims units of a round's item. The gate admits, Postgres decides; the answer follows the commit.
// Whatever refuses a claim here must first be sure that the same request was not accepted before.
import { type Problem, refuse } from '@gravity/contracts';
import { type Clock, type Result, idFromUuid, newUuid, ok, sleep, uuidFromParts } from '@gravity/kernel';
import { classifyDatabaseError, QueueFullError } from '@gravity/persistence';
import type { ClaimDecision } from '../../decision/claim-command';
import type { ClaimDecider } from '../../decision/claim-decider';
import { GateUnavailable, OtherMemory } from '../../gate/gate-connection';
import type { GateKeeper } from '../../gate/gate-keeper';
import type { GateAnswer, GateInForce, RedisGate, Verdict } from '../../gate/redis-gate';
import { MOST_CLAIMS_PER_FLAG, type SoldOutBoard } from '../../gate/sold-out-board';
import type { SaleDirectory, SaleItem, SaleRound } from '../../sales/sale-directory';
import type { ClaimOutcome } from './claim-metrics';
import type { OpeningDraw } from './opening-draw';
import type { PlaceClaim } from './place-claim.command';
import type { PlacedClaims, PlacedClaim } from './placed-claims';
import { localRefusal, OVERLOADED, refusalOf, SOLD_OUT } from './refusals';

/** How often a claim may meet a gate that is changing before the buyer is asked to come again. */
const MOST_ATTEMPTS = 12;
const WAIT_FOR_GATE_MS = 50;

type Admission =
  | { readonly kind: 'in'; readonly epoch: bigint; readonly number: number }
  /** In DIRECT admission. */
  | { readonly kind: 'in'; readonly epoch: null; readonly number: null }
  | { readonly kind: 'refused'; readonly problem: Problem }
  | { readonly kind: 'again'; readonly waitMs: number };

/** What the caller is told. */
export type Answer = Result<PlacedClaim, Problem>;

/** One claim on its way. */
interface Attempt {
  readonly request: PlaceClaim;
  readonly claimId: string;
  readonly fingerprint: string;
  readonly orderId: string;
  readonly orderKey: string;
}

export class PlaceClaimUseCase {
  constructor(
    private readonly directory: SaleDirectory,
    private readonly gate: RedisGate,
    private readonly keeper: GateKeeper,
    private readonly board: SoldOutBoard,
    private readonly decider: ClaimDecider,
    private readonly placed: PlacedClaims,
    private readonly clock: Clock,
    private readonly onOutcome: (outcome: ClaimOutcome) => void = () => undefined,
    /** Without it claims are taken as they come from the opening on. */
    private readonly draw?: OpeningDraw,
  ) {}

  /**
   * The order awaiting payment, after its commit; or a refusal. Throws when a part is missing: QueueFullError, database
   * errors. A repeated request gets the answer of the first one. What is known without asking anybody is answered without
   * a promise: refusals outnumber everything else.
   */
  execute(request: PlaceClaim): Answer | Promise<Answer> {
    const round = this.directory.get(request.roundId);
    return round instanceof Promise
      ? round.then((read) => this.claimFrom(read, request))
      : this.claimFrom(round, request);
  }

  private claimFrom(round: SaleRound | undefined, request: PlaceClaim): Answer | Promise<Answer> {
    const item = round?.items.get(request.itemId);
    if (round === undefined || item === undefined || round.status === 'DRAFT') {
      return refuse('not-found', 'There is no such item in this round. Read the round again.');
    }
    if (this.board.refuses(item.itemId, item.epoch, request.buyerId)) {
      this.onOutcome('sold-out');
      return { ok: false, error: SOLD_OUT };
    }
    if (this.decider.isFull) {
      // Before the gate takes a unit. A repeated request is told the same, also when its claim was accepted: this answer
      // judges nothing, asks for the same key again, and so leaves the first answer to the next try.
      this.onOutcome('overloaded');
      return REFUSED_OVERLOADED;
    }
    return this.claim(request, round, item);
  }

  private async claim(request: PlaceClaim, round: SaleRound, item: SaleItem): Promise<Answer> {
    const claimId = uuidFromParts('claim', request.buyerId, request.idempotencyKey);
    const orderId = newUuid();
    const orderKey = idFromUuid('order', orderId);
    const attempt = { request, claimId, fingerprint: fingerprintOf(request), orderId, orderKey };
    const nowMs = this.clock.nowMs();
    const problem = localRefusal(request, round, item, nowMs, this.draw !== undefined);
    if (problem === undefined && this.draw?.holds(round.opensAtMs, nowMs) === true) {
      const refused = await this.untilTurn(this.draw, request, round, item);
      if (refused !== undefined) return refused;
    }
    try {
      const result =
        problem === undefined ? await this.attempt(attempt, round, item) : await this.unlessKnown(attempt, problem);
      this.onOutcome(outcomeOf(result));
      return result;
    } catch (error) {
      this.onOutcome(outcomeOfError(error));
      throw error;
    }
  }

  /** Waits for the buyer's turn in the draw of the opening. */
  private async untilTurn(
    draw: OpeningDraw,
    { buyerId }: PlaceClaim,
    round: SaleRound,
    item: SaleItem,
  ): Promise<Answer | undefined> {
    const turn = draw.turn(item, buyerId, round.opensAtMs);
    if (!(turn instanceof Promise)) {
      this.onOutcome(turn.code);
      return { ok: false, error: turn };
    }
    await turn;
    // Who was drawn late finds the flag up more often than not.
    if (!this.board.refuses(item.itemId, item.epoch, buyerId)) return undefined;
    this.onOutcome('sold-out');
    return { ok: false, error: SOLD_OUT };
  }

  private async attempt(attempt: Attempt, round: SaleRound, item: SaleItem): Promise<Answer> {
    for (let count = 0; count < MOST_ATTEMPTS; count += 1) {
      const admission = item.admission === 'GATE' ? await this.askGate(attempt, round, item) : this.direct(round);
      if (admission.kind === 'refused') return this.unlessKnown(attempt, admission.problem);
      if (admission.kind === 'in') {
        const decision = await this.decide(attempt, round, item, admission);
        this.reportToGate(attempt, item, admission, decision);
        const result = await this.answer(attempt, item, decision);
        if (result !== undefined) return result;
      } else if (admission.waitMs > 0) {
        await sleep(admission.waitMs);
      }
      // The gate or the admission has changed under us: look again at what is in force.
      const fresh = await this.directory.refresh(round.roundId);
      const freshItem = fresh?.items.get(attempt.request.itemId);
      if (fresh === undefined || freshItem === undefined) break;
      [round, item] = [fresh, freshItem];
    }
    return refuse('unavailable', 'The sale is being moved to another gate. Repeat with the same Idempotency-Key.', {
      retryAfterSeconds: 1,
    });
  }

  /** Another process may still answer "sold out" by a flag of the gate before, and to buyers who are accepted now. */
  private direct(round: SaleRound): Admission {
    const waitMs = this.directory.directWaitMs(round);
    return waitMs > 0 ? { kind: 'again', waitMs } : DIRECT;
  }

  private async askGate(attempt: Attempt, round: SaleRound, item: SaleItem): Promise<Admission> {
    const { claimId, request } = attempt;
    try {
      const claim = { claimId, buyerId: request.buyerId, quantity: request.quantity };
      const answer = await this.gate.claim(item.seriesId, item.itemId, inForce(round, item), claim);
      return await this.admissionOf(answer, item);
    } catch (error) {
      if (!(error instanceof GateUnavailable)) throw error;
      if (error instanceof OtherMemory) await this.keeper.load(item.seriesId, item.epoch);
      else await this.keeper.goDirect(item.seriesId, item.epoch, error.message);
      return { kind: 'again', waitMs: 0 };
    }
  }

  private async admissionOf(answer: GateAnswer, item: SaleItem): Promise<Admission> {
    switch (answer.kind) {
      case 'admitted':
      case 'known':
        return { kind: 'in', epoch: item.epoch, number: answer.admissionNumber };
      case 'absent':
        await this.keeper.load(item.seriesId, item.epoch);
        return { kind: 'again', waitMs: 0 };
      case 'other-epoch':
        // A newer epoch means that we have not heard yet, or that the round is only being warmed.
        if (answer.epoch > item.epoch) return { kind: 'again', waitMs: WAIT_FOR_GATE_MS };
        // An older one is an old memory that came back.
        await this.keeper.load(item.seriesId, item.epoch);
        return { kind: 'again', waitMs: 0 };
      case 'loading':
        return { kind: 'again', waitMs: WAIT_FOR_GATE_MS };
      case 'sold-out':
        if (answer.flagMs > 0) this.raiseFlag(item);
        return { kind: 'refused', problem: SOLD_OUT };
      default:
        return { kind: 'refused', problem: refusalOf(answer) };
    }
  }

  private raiseFlag({ roundId, seriesId, itemId, epoch, wire }: SaleItem): void {
    void this.board.raise(itemId, epoch, async () => {
      // The gate may go on saying what is not in force any more: whoever is admitted elsewhere waits for flags to fall,
      // but only for those that were raised before the switch.
      const round = await this.directory.readAnew(roundId);
      const item = round?.items.get(wire.itemId);
      if (round === undefined || item?.epoch !== epoch) return undefined;
      return this.gate.soldOut(seriesId, itemId, inForce(round, item), MOST_CLAIMS_PER_FLAG);
    });
  }

  private decide(
    attempt: Attempt,
    round: SaleRound,
    item: SaleItem,
    admission: Admission & { kind: 'in' },
  ): Promise<ClaimDecision> {
    const { request } = attempt;
    return this.decider.submit({
      claimId: attempt.claimId,
      orderId: attempt.orderId,
      orderKey: attempt.orderKey,
      item,
      buyerId: request.buyerId,
      quantity: request.quantity,
      epoch: admission.epoch,
      admissionNumber: admission.number,
      fingerprint: attempt.fingerprint,
      regionCode: request.regionCode,
      paymentWindowMs: round.paymentWindowMs,
      traceparent: request.traceparent,
      hungUp: request.hungUp,
    });
  }

  /** The gate hears how it went; what it does not hear, its sweeper finds out. */
  private reportToGate(
    attempt: Attempt,
    item: SaleItem,
    admission: Admission & { kind: 'in' },
    decision: ClaimDecision,
  ): void {
    const { epoch, number } = admission;
    // A claim nobody waits for may be asked again at this moment, and be accepted: its sweeper finds out.
    if (epoch === null || NOTHING_TO_REPORT.has(decision.outcome)) return;
    this.gate
      .report(item.seriesId, item.itemId, attempt.claimId, { epoch, number }, verdictOf(item, decision))
      .catch(() => undefined);
  }

  /** The caller's answer, or undefined when the claim has to be admitted again. */
  private async answer(attempt: Attempt, item: SaleItem, decision: ClaimDecision): Promise<Answer | undefined> {
    switch (decision.outcome) {
      case 'ACCEPTED':
        return ok(this.placed.fresh(attempt, item, decision.placedAtMs, decision.expiresAtMs));
      case 'REPLAYED':
        return this.placed.replay(attempt, decision);
      case 'STALE_EPOCH':
      case 'TOMBSTONED':
      case 'RETRY':
        return undefined;
      case 'ABANDONED':
        return { ok: false, error: ABANDONED };
      default:
        return { ok: false, error: refusalOf({ kind: decision.outcome }) };
    }
  }

  /** A refusal, unless this very request was accepted earlier: then its answer again. */
  private async unlessKnown(attempt: Attempt, problem: Problem): Promise<Answer> {
    const known = await this.placed.find(attempt);
    return known ?? { ok: false, error: problem };
  }
}

const DIRECT: Admission = { kind: 'in', epoch: null, number: null };
const REFUSED_OVERLOADED: Answer = { ok: false, error: OVERLOADED };
const ABANDONED = refuse('unavailable', 'The caller hung up before the claim was decided.').error;
const NOTHING_TO_REPORT: ReadonlySet<ClaimDecision['outcome']> = new Set(['STALE_EPOCH', 'RETRY', 'ABANDONED']);

const inForce = ({ gateRunId }: SaleRound, { epoch }: SaleItem): GateInForce => ({ epoch, runId: gateRunId });

/** How a claim is counted. */
function outcomeOf(result: Answer): ClaimOutcome {
  if (result.ok) return result.value.replayed ? 'replayed' : 'accepted';
  return result.error === ABANDONED ? 'abandoned' : result.error.code;
}

/** How a claim that ended in an exception is counted. */
function outcomeOfError(error: unknown): ClaimOutcome {
  if (error instanceof QueueFullError) return 'overloaded';
  const kind = classifyDatabaseError(error);
  if (kind === 'unknown-outcome') return 'outcome-unknown';
  return kind === 'overloaded' || kind === 'unavailable' ? kind : 'internal';
}

/** What the gate is told. */
function verdictOf(item: SaleItem, decision: ClaimDecision): Verdict {
  if (decision.outcome === 'ACCEPTED') return 'kept';
  // A key used again for another item was let in here, but its order is there.
  if (decision.outcome !== 'REPLAYED' || decision.itemId !== item.itemId) return 'undone';
  return decision.live ? 'kept' : 'returned';
}

/** Everything of a claim's body that makes it another request. The item stands for its round too. */
function fingerprintOf({ itemId, quantity, regionCode, expectedTotal }: PlaceClaim): string {
  const total = expectedTotal === undefined ? '' : `${expectedTotal.amount}${expectedTotal.currency}`;
  return `${itemId}:${quantity}:${regionCode}:${total}`;
}
