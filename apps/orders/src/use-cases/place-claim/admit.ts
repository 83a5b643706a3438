// Second step: the gate admits a claim, or DIRECT admission does. A gate that cannot judge is loaded again, or the series
// changes to DIRECT admission.
import type { Problem } from '@gravity/contracts';
import { GateUnavailable, StaleRedisInstance } from '../../gate/gate-connection';
import type { GateKeeper } from '../../gate/gate-keeper';
import type { GateAnswer, GateInForce, RedisGate } from '../../gate/redis-gate';
import { CLAIMS_PER_FLAG_MAX, type SoldOutBoard } from '../../gate/sold-out-board';
import type { SaleDirectory, SaleItem, SaleRound } from '../../sales/sale-directory';
import type { Claim } from './claim';
import { refusalOf, SOLD_OUT } from './refusals';

const WAIT_FOR_GATE_MS = 50;

export type Admitted =
  | { readonly kind: 'admitted'; readonly epoch: bigint; readonly number: number }
  /** In DIRECT admission. */
  | { readonly kind: 'admitted'; readonly epoch: null; readonly number: null };

export type Admission =
  | Admitted
  | { readonly kind: 'refused'; readonly problem: Problem }
  /** The gate is changing: read the sale again after this time. */
  | { readonly kind: 'again'; readonly waitMs: number };

const DIRECT: Admitted = { kind: 'admitted', epoch: null, number: null };
const AT_ONCE: Admission = { kind: 'again', waitMs: 0 };
const SOON: Admission = { kind: 'again', waitMs: WAIT_FOR_GATE_MS };

export class Admit {
  constructor(
    private readonly directory: SaleDirectory,
    private readonly gate: RedisGate,
    private readonly keeper: GateKeeper,
    private readonly board: SoldOutBoard,
  ) {}

  /** Asks for admission once. Throws QueueFullError, with nothing taken, and database errors. */
  async admit(claim: Claim): Promise<Admission> {
    return claim.item.admission === 'GATE' ? this.askGate(claim) : this.direct(claim.round);
  }

  /** Another process may still refuse buyers by a sold-out flag of the earlier gate. Claims wait until such flags end. */
  private direct(round: SaleRound): Admission {
    const waitMs = this.directory.directWaitMs(round);
    return waitMs > 0 ? { kind: 'again', waitMs } : DIRECT;
  }

  private async askGate({ claimId, request, round, item }: Claim): Promise<Admission> {
    try {
      const asked = { claimId, buyerId: request.buyerId, quantity: request.quantity };
      const answer = await this.gate.claim(item.seriesId, item.itemId, inForce(round, item), asked);
      return await this.admissionOf(answer, item);
    } catch (error) {
      if (!(error instanceof GateUnavailable)) throw error;
      if (error instanceof StaleRedisInstance) await this.keeper.load(item.seriesId, item.epoch);
      else await this.keeper.goDirect(item.seriesId, item.epoch, error.message);
      return AT_ONCE;
    }
  }

  private async admissionOf(answer: GateAnswer, item: SaleItem): Promise<Admission> {
    switch (answer.kind) {
      case 'admitted':
      case 'known':
        return { kind: 'admitted', epoch: item.epoch, number: answer.admissionNumber };
      case 'other-epoch':
        // A newer epoch: this process does not know it yet, or the round is being warmed.
        if (answer.epoch > item.epoch) return SOON;
        // An older epoch: Redis was restored from a snapshot.
        await this.keeper.load(item.seriesId, item.epoch);
        return AT_ONCE;
      case 'absent':
        await this.keeper.load(item.seriesId, item.epoch);
        return AT_ONCE;
      case 'loading':
        return SOON;
      case 'sold-out':
        if (answer.flagMs > 0) this.raiseFlag(item);
        return { kind: 'refused', problem: SOLD_OUT };
      default:
        return { kind: 'refused', problem: refusalOf(answer) };
    }
  }

  private raiseFlag({ roundId, seriesId, itemId, epoch, wire }: SaleItem): void {
    void this.board.raise(itemId, epoch, async () => {
      // A replaced gate still answers. Claims of the next gate wait for flags that were raised before the switch, not
      // for later ones. So the epoch is read again.
      const round = await this.directory.readAnew(roundId);
      const item = round?.items.get(wire.itemId);
      if (round === undefined || item?.epoch !== epoch) return undefined;
      return this.gate.soldOut(seriesId, itemId, inForce(round, item), CLAIMS_PER_FLAG_MAX);
    });
  }
}

const inForce = ({ gateRunId }: SaleRound, { epoch }: SaleItem): GateInForce => ({ epoch, runId: gateRunId });
