// A shop of a merchant. Each product belongs to one.
import { Aggregate, type Clock, idFromUuid, newUuid, toRfc3339 } from '@gravity/kernel';
import type { CatalogEvent } from '../events';

export class Shop extends Aggregate<CatalogEvent> {
  readonly id: string;
  readonly merchantId: string;
  readonly name: string;
  readonly version: number;
  readonly createdAtMs: number;

  /** A merchant opens a shop. */
  static open(merchant: { readonly id: string }, name: string, clock: Clock): Shop {
    const facts = { id: newUuid(clock), merchantId: merchant.id, name, version: 1, createdAtMs: clock.nowMs() };
    const shop = Object.assign(new Shop(), facts);
    const shopId = idFromUuid('shop', shop.id);
    const merchantId = idFromUuid('merchant', shop.merchantId);
    const payload = { sequence: 1, shopId, merchantId, name, occurredAt: toRfc3339(shop.createdAtMs) };
    shop.record({ type: 'catalog.shop.opened.v1', key: shopId, payload });
    return shop;
  }
}
