// The operations on prices.
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity, VersionMatch } from '@gravity/http';
import { type Clock, type Money, ok, type Result } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import { CLOCK, found, mayChange } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import type { SkuFacts } from '../products/sku';
import { SkusRepository } from '../products/skus.repository';

@Injectable()
export class PricesService {
  constructor(
    private readonly skus: SkusRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Gives a SKU a new price version. Refusals: `not-found`, `stale-version`, `invalid-request` for the same price again or
   * another currency.
   */
  async set(
    tx: Tx,
    caller: CallerIdentity,
    ifMatch: VersionMatch,
    skuId: string,
    amount: Money,
  ): Promise<Result<SkuFacts, Problem>> {
    const sku = found('sku', skuId, await this.skus.lock(tx, skuId), ({ facts }) =>
      mayChange(caller, facts.merchantId),
    );
    if (!sku.ok) return sku;
    const fresh = ifMatch.check(sku.value.version);
    if (!fresh.ok) return fresh;
    const priced = sku.value.setPrice(amount, this.clock);
    if (!priced.ok) return priced;
    await this.skus.savePrice(tx, sku.value);
    return ok(sku.value.facts);
  }
}
