// A merchant opens a shop, or an operator does it for them.
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { type Clock, type Result, newUuid, ok } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import { CLOCK, Outbox } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { mayChange, notFound, parseId } from '../../access';
import { shopOpened } from '../../events';
import { findMerchant, insertShop } from '../../storage/merchant.repository';
import { shopView } from '../../views';
import type { ShopView } from '../../views.dto';
import type { OpenShopBody } from './open-shop.dto';

@Injectable()
export class OpenShop {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(Outbox) private readonly outbox: Outbox,
  ) {}

  /** Refusals: `not-found` for a merchant that does not exist or is not the caller. */
  async execute(tx: Tx, caller: CallerIdentity, body: OpenShopBody): Promise<Result<ShopView, Problem>> {
    const merchantId = parseId('merchant', body.merchantId);
    if (!merchantId.ok) return merchantId;
    const merchant = await findMerchant(tx.manager, merchantId.value);
    if (merchant === undefined || !mayChange(caller, merchant.id)) return notFound('merchant', body.merchantId);
    const row = {
      id: newUuid(this.clock),
      merchantId: merchant.id,
      name: body.name,
      version: 1,
      createdAtMs: this.clock.nowMs(),
    };
    await insertShop(tx.manager, row);
    await this.outbox.append(tx, [shopOpened(row)]);
    return ok(shopView(row));
  }
}
