// A merchant: a seller, with shops.
import { Aggregate, type Clock, idFromUuid, newUuid, toRfc3339 } from '@gravity/kernel';
import type { CatalogEvent } from '../events';

export class Merchant extends Aggregate<CatalogEvent> {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly createdAtMs: number;

  /** An operator admits a merchant. */
  static register(name: string, clock: Clock): Merchant {
    const facts = { id: newUuid(clock), name, version: 1, createdAtMs: clock.nowMs() };
    const merchant = Object.assign(new Merchant(), facts);
    const merchantId = idFromUuid('merchant', merchant.id);
    const payload = { sequence: 1, merchantId, name, occurredAt: toRfc3339(merchant.createdAtMs) };
    merchant.record({ type: 'catalog.merchant.registered.v1', key: merchantId, payload });
    return merchant;
  }
}
