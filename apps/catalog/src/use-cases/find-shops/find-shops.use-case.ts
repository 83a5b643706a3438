// Shops, newest first: a merchant sees its own, operators and services all.
import type { Problem } from '@gravity/contracts';
import { type CallerIdentity, CursorSigner, type Page, listOf } from '@gravity/http';
import { type Result, ok } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { seesAllOf, visibilityOf } from '../../access';
import { parseFilterId, positionOf } from '../../lists';
import { listShops } from '../../storage/merchant.repository';
import { shopView } from '../../views';
import type { ShopView } from '../../views.dto';
import type { FindShopsQuery } from './find-shops.dto';

@Injectable()
export class FindShops {
  constructor(
    @Inject(Database) private readonly db: Database,
    @Inject(CursorSigner) private readonly cursors: CursorSigner,
  ) {}

  /** Refusals: `invalid-cursor`, `invalid-request` for a malformed id. */
  async execute(caller: CallerIdentity, query: FindShopsQuery): Promise<Result<Page<ShopView>, Problem>> {
    const asked = parseFilterId('merchant', 'merchantId', query.merchantId);
    if (!asked.ok) return asked;
    const visibility = visibilityOf(caller);
    const merchantId = asked.value ?? (visibility.everything ? undefined : visibility.ownMerchantId);
    // Somebody else's shops are an empty list, like those of a merchant that does not exist.
    if (!visibility.everything && (merchantId === undefined || !seesAllOf(caller, merchantId))) return ok(listOf([]));
    const filters = { merchantId };
    const start = positionOf(this.cursors, 'shops', filters, query.cursor);
    if (!start.ok) return start;
    const { manager } = await this.db.ready();
    const rows = await listShops(manager, filters, { limit: query.limit, afterId: start.value[0] });
    return ok(this.cursors.page('shops', filters, query.limit, rows, (row) => [row.id], shopView));
  }
}
