// One merchant, for itself and for those who see everything.
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { type Result, ok } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { notFound, parseId, seesAllOf } from '../../access';
import { findMerchant } from '../../storage/merchant.repository';
import { merchantView } from '../../views';
import type { MerchantView } from '../../views.dto';

@Injectable()
export class GetMerchant {
  constructor(@Inject(Database) private readonly db: Database) {}

  /** Refusals: `not-found`. */
  async execute(caller: CallerIdentity, merchantId: string): Promise<Result<MerchantView, Problem>> {
    const id = parseId('merchant', merchantId);
    if (!id.ok) return id;
    const { manager } = await this.db.ready();
    const row = await findMerchant(manager, id.value);
    return row === undefined || !seesAllOf(caller, row.id) ? notFound('merchant', merchantId) : ok(merchantView(row));
  }
}
