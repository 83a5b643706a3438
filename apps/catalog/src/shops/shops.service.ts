// The operations on shops.
import type { Problem } from '@gravity/contracts';
import { type CallerIdentity, CursorSigner, listOf, type Page } from '@gravity/http';
import { type Clock, ok, type Result } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import { CLOCK, found, mayChange, seesAllOf, startOfPage, uuidOf, visibilityOf } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { MerchantsRepository } from '../merchants/merchants.repository';
import { Shop } from './shop';
import { type FindShopsQuery, type OpenShopBody, type ShopView, shopView } from './shops.dto';
import { ShopsRepository } from './shops.repository';

@Injectable()
export class ShopsService {
  constructor(
    private readonly merchants: MerchantsRepository,
    private readonly shops: ShopsRepository,
    private readonly cursors: CursorSigner,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Opens a shop. Refusal: `not-found` for a merchant that is not the caller's. */
  async open(tx: Tx, caller: CallerIdentity, body: OpenShopBody): Promise<Result<Shop, Problem>> {
    const merchantId = uuidOf('merchant', body.merchantId);
    const merchant = found('merchant', merchantId, await this.merchants.find(merchantId, tx), ({ id }) =>
      mayChange(caller, id),
    );
    if (!merchant.ok) return merchant;
    const shop = Shop.open(merchant.value, body.name, this.clock);
    await this.shops.add(tx, shop);
    return ok(shop);
  }

  /** Shops, newest first: a merchant sees its own. Refusal: `invalid-cursor`. */
  async find(caller: CallerIdentity, query: FindShopsQuery): Promise<Result<Page<ShopView>, Problem>> {
    const visibility = visibilityOf(caller);
    const merchantId = query.merchantId === undefined ? visibility.merchantId : uuidOf('merchant', query.merchantId);
    // Shops of another merchant are an empty list, like those of a merchant that does not exist.
    const isOwn = merchantId !== undefined && seesAllOf(caller, merchantId);
    if (!visibility.everything && !isOwn) return ok(listOf([]));
    const start = startOfPage(this.cursors, 'shops', { merchantId }, query.cursor);
    if (!start.ok) return start;
    const [afterId] = start.value as [string?];
    const shops = await this.shops.list(merchantId, query.limit, afterId);
    return ok(this.cursors.page('shops', { merchantId }, query.limit, shops, ({ id }) => [id], shopView));
  }
}
