import { Injectable } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import { idFromUuid, ok, type Result } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { notFound } from '@gravity/service';
import { roundMachine } from '../../domain/round';
import { watchedItems } from '../../storage/conservation.repository';
import { serverTimeMs } from '../../storage/rounds.repository';
import { ConservationCheck } from './conservation-check';
import { type ConservationView, conservationView } from './conservation-view';

/** A busy gate changes during most looks, so an operator gets the best of several. */
const LOOKS_MAX = 5;

@Injectable()
export class GetConservation {
  constructor(
    private readonly database: Database,
    private readonly check: ConservationCheck,
  ) {}

  /** Both sides of every item of a round. Refusals: `not-found`. */
  async execute(roundId: string): Promise<Result<ConservationView, Problem>> {
    const items = await watchedItems(this.database, { roundId, statuses: roundMachine.states });
    const status = items[0]?.roundStatus;
    if (status === undefined) return notFound('round', idFromUuid('round', roundId));
    const looks = await this.check.lookUntilStill(items, LOOKS_MAX);
    return ok(conservationView(roundId, status, looks, await serverTimeMs(this.database)));
  }
}
