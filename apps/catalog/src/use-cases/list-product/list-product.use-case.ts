// The product and its SKUs may be sold from now on.
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import type { Clock, Result } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import { CLOCK, Outbox } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { changeListing } from '../../change-listing';
import type { ProductView } from '../../views.dto';

@Injectable()
export class ListProduct {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(Outbox) private readonly outbox: Outbox,
  ) {}

  /** Refusals: see {@link changeListing}. */
  async execute(
    tx: Tx,
    caller: CallerIdentity,
    productId: string,
    expectedVersion: number,
  ): Promise<Result<ProductView, Problem>> {
    return changeListing(tx, this.clock, this.outbox, caller, { productId, expectedVersion, listed: true });
  }
}
