// Makes the four steps of a claim from the parts of the service and joins them.
import type { Clock } from '@gravity/kernel';
import type { ClaimDecider } from '../../decision/claim-decider';
import type { AdmissionOrders } from '../../gate/admission-order';
import type { GateKeeper } from '../../gate/gate-keeper';
import type { RedisGate } from '../../gate/redis-gate';
import type { SoldOutBoard } from '../../gate/sold-out-board';
import type { SaleDirectory } from '../../sales/sale-directory';
import { Admit } from './admit';
import { AnswerClaim } from './answer';
import type { ClaimOutcome } from './claim-metrics';
import { Decide } from './decide';
import { PlaceClaimUseCase } from './place-claim.use-case';
import type { PlacedClaims } from './placed-claims';
import { Precheck } from './precheck';

export interface PlaceClaimParts {
  readonly directory: SaleDirectory;
  readonly gate: RedisGate;
  readonly keeper: GateKeeper;
  readonly board: SoldOutBoard;
  readonly decider: ClaimDecider;
  readonly placed: PlacedClaims;
  /** Postgres' time: the opening is judged by it. */
  readonly clock: Clock;
  readonly orders: AdmissionOrders;
  readonly onOutcome?: (outcome: ClaimOutcome) => void;
}

/** The use case over these parts. */
export function composePlaceClaim(parts: PlaceClaimParts): PlaceClaimUseCase {
  const { directory, gate, keeper, board, decider, placed, clock, orders, onOutcome } = parts;
  return new PlaceClaimUseCase({
    directory,
    orders,
    precheck: new Precheck(board, decider, orders, clock),
    admit: new Admit(directory, gate, keeper, board),
    decide: new Decide(decider, gate),
    answer: new AnswerClaim(placed),
    ...(onOutcome === undefined ? {} : { onOutcome }),
  });
}
