// One SKU with its current price.
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { type Result, ok } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { notFound, parseId, visibilityOf } from '../../access';
import { type Sku, findSku } from '../../storage/sku.repository';

@Injectable()
export class GetSku {
  constructor(@Inject(Database) private readonly db: Database) {}

  /** Refusals: `not-found`, also for a SKU that is not listed and not the caller's. */
  async execute(caller: CallerIdentity, skuId: string): Promise<Result<Sku, Problem>> {
    const id = parseId('sku', skuId);
    if (!id.ok) return id;
    const sku = await findSku(this.db, id.value, visibilityOf(caller));
    return sku === undefined ? notFound('sku', skuId) : ok(sku);
  }
}
