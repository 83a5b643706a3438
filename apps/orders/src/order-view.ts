// An order as callers see it over REST. The claim's answer, the reads and the event stream all use this one shape.
import { type MoneyJson, idFromUuid, moneyToJson, toRfc3339 } from '@gravity/kernel';
import type { CloseReason, Order, OrderStatus } from './domain/order';

export interface OrderLineView {
  readonly skuId: string;
  readonly title: string;
  readonly quantity: number;
  readonly unitPrice: MoneyJson;
}

export interface OrderView {
  readonly orderId: string;
  readonly status: OrderStatus;
  readonly roundId: string;
  readonly itemId: string;
  readonly seriesId: string;
  readonly buyerId: string;
  readonly merchantId: string;
  readonly shopId: string;
  readonly quantity: number;
  readonly lines: readonly OrderLineView[];
  readonly total: MoneyJson;
  readonly placedAt: string;
  readonly expiresAt: string;
  readonly paidAt?: string;
  readonly closedAt?: string;
  readonly closeReason?: CloseReason;
  readonly version: number;
}

/** The wire form of an order. */
export function orderView(order: Order): OrderView {
  return {
    orderId: idFromUuid('order', order.orderId),
    status: order.status,
    roundId: idFromUuid('round', order.roundId),
    itemId: idFromUuid('item', order.itemId),
    seriesId: idFromUuid('series', order.seriesId),
    buyerId: order.buyerId,
    merchantId: idFromUuid('merchant', order.merchantId),
    shopId: idFromUuid('shop', order.shopId),
    quantity: order.quantity,
    lines: order.lines.map((line) => ({
      skuId: idFromUuid('sku', line.skuId),
      title: line.title,
      quantity: line.quantity,
      unitPrice: moneyToJson(line.unitPrice),
    })),
    total: moneyToJson(order.total),
    placedAt: toRfc3339(order.placedAtMs),
    expiresAt: toRfc3339(order.expiresAtMs),
    ...(order.paidAtMs === undefined ? {} : { paidAt: toRfc3339(order.paidAtMs) }),
    ...(order.closedAtMs === undefined ? {} : { closedAt: toRfc3339(order.closedAtMs) }),
    ...(order.closeReason === undefined ? {} : { closeReason: order.closeReason }),
    version: order.sequence,
  };
}
