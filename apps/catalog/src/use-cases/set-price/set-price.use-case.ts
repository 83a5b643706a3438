// A new price version becomes the price of a SKU. The versions before it stay, and so do orders that name them.
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { type Clock, type Result, money, newUuid, ok } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import { CLOCK, Outbox } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { mayChange, notFound, parseId } from '../../access';
import { nextPrice } from '../../domain/product';
import { skuEvent } from '../../events';
import { refusalProblem, staleVersion } from '../../refusals';
import { appendPrice, lockSku } from '../../storage/sku.repository';
import type { PriceBody } from '../../validation';
import { skuView } from '../../views';
import type { SkuView } from '../../views.dto';

@Injectable()
export class SetPrice {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(Outbox) private readonly outbox: Outbox,
  ) {}

  /**
   * Refusals: `not-found`, `stale-version` when the SKU is not at `expectedVersion`, `invalid-request` for the same
   * price again or another currency.
   */
  async execute(
    tx: Tx,
    caller: CallerIdentity,
    skuId: string,
    expectedVersion: number,
    body: PriceBody,
  ): Promise<Result<SkuView, Problem>> {
    const id = parseId('sku', skuId);
    if (!id.ok) return id;
    const sku = await lockSku(tx, id.value);
    if (sku === undefined || !mayChange(caller, sku.merchantId)) return notFound('sku', skuId);
    if (sku.version !== expectedVersion) return staleVersion(sku.version);
    const nowMs = this.clock.nowMs();
    const price = nextPrice(sku.price, newUuid(this.clock), money(body.amount, body.currency), nowMs);
    if (!price.ok) return refusalProblem(price.error);
    const changed = await appendPrice(tx.manager, sku, price.value);
    await this.outbox.append(tx, [skuEvent('catalog.sku.priced.v1', changed, nowMs)]);
    return ok(skuView(changed));
  }
}
