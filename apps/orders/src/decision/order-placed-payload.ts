import type { EventPayload } from '@gravity/contracts';
import { toRfc3339 } from '@gravity/kernel';
import type { ClaimCommand } from './claim-command';

/** The payload of `orders.order.placed.v1` for an accepted claim, as JSON. */
export function orderPlacedPayload(claim: ClaimCommand, placedAtMs: number): string {
  const { item, quantity } = claim;
  const unitPrice = { amount: Number(item.priceMinor), currency: item.currency };
  const payload: EventPayload<'orders.order.placed.v1'> = {
    sequence: 1,
    orderId: claim.orderKey,
    buyerId: claim.buyerId,
    merchantId: item.wire.merchantId,
    shopId: item.wire.shopId,
    seriesId: item.wire.seriesId,
    roundId: item.wire.roundId,
    itemId: item.wire.itemId,
    lines: [
      { skuId: item.wire.skuId, quantity, unitPrice, priceVersionId: item.wire.priceVersionId, title: item.title },
    ],
    total: { amount: Number(item.priceMinor) * quantity, currency: item.currency },
    placedAt: toRfc3339(placedAtMs),
    expiresAt: toRfc3339(placedAtMs + claim.paymentWindowMs),
  };
  return JSON.stringify(payload);
}
