// The facts that an order publishes. Every event carries the whole order, so a consumer needs no other source.
import type { EventPayload, EventType } from '@gravity/contracts';
import { type Money, idFromUuid, moneyToJson, toRfc3339, uuidFromParts } from '@gravity/kernel';
import type { CloseReason, Order, RefundReason } from './domain/order';

type OrderEventType = Extract<EventType, `orders.order.${string}`>;

/** An event of an order, before it is given an id and written to the outbox. */
export type OrderEvent = {
  readonly [T in OrderEventType]: { readonly type: T; readonly payload: EventPayload<T> };
}[OrderEventType];

/** The wire id of a payment: made from the provider's id, so it is the same wherever the payment is mentioned. */
export function paymentIdOf(intentId: string): string {
  return idFromUuid('payment', uuidFromParts('payment', intentId));
}

/** The members of every event of an order. */
export function orderEventBase(order: Order, sequence: number) {
  return {
    sequence,
    orderId: idFromUuid('order', order.orderId),
    buyerId: order.buyerId,
    merchantId: idFromUuid('merchant', order.merchantId),
    shopId: idFromUuid('shop', order.shopId),
    seriesId: idFromUuid('series', order.seriesId),
    roundId: idFromUuid('round', order.roundId),
    itemId: idFromUuid('item', order.itemId),
    lines: order.lines.map((line) => ({
      skuId: idFromUuid('sku', line.skuId),
      quantity: line.quantity,
      unitPrice: moneyToJson(line.unitPrice),
      // An item priced by hand has no version in the catalogue; its SKU then stands for the version.
      priceVersionId: idFromUuid('price', line.priceVersionId ?? line.skuId),
      title: line.title,
    })),
    total: moneyToJson(order.total),
    placedAt: toRfc3339(order.placedAtMs),
  };
}

/** The order was paid in time. */
export function orderPaid(order: Order, sequence: number, paidAtMs: number, intentId: string): OrderEvent {
  const payload = { ...orderEventBase(order, sequence), paidAt: toRfc3339(paidAtMs), paymentId: paymentIdOf(intentId) };
  return { type: 'orders.order.paid.v1', payload };
}

/** The order ended without a sale. */
export function orderClosed(order: Order, sequence: number, closedAtMs: number, reason: CloseReason): OrderEvent {
  const payload = { ...orderEventBase(order, sequence), closedAt: toRfc3339(closedAtMs), reason };
  return { type: 'orders.order.closed.v1', payload };
}

/** A late payment found a fresh unit. */
export function orderLateHonoured(order: Order, sequence: number, atMs: number, intentId: string): OrderEvent {
  const at = toRfc3339(atMs);
  const payload = { ...orderEventBase(order, sequence), paidAt: at, honouredAt: at, paymentId: paymentIdOf(intentId) };
  return { type: 'orders.order.late-payment-honoured.v1', payload };
}

/** A refund as its events tell it. Ids: `refundId` is a uuid, `intentId` the provider's. */
export interface RefundFacts {
  readonly refundId: string;
  readonly intentId: string;
  readonly amount: Money;
}

const refundPart = (refund: RefundFacts) => ({
  refundId: idFromUuid('refund', refund.refundId),
  paymentId: paymentIdOf(refund.intentId),
  amount: moneyToJson(refund.amount),
});

/** Money that was taken goes back. */
export function orderRefundRequested(
  order: Order,
  sequence: number,
  atMs: number,
  refund: RefundFacts & { readonly reason: RefundReason },
): OrderEvent {
  const facts = { ...refundPart(refund), reason: refund.reason, requestedAt: toRfc3339(atMs) };
  return { type: 'orders.order.refund-requested.v1', payload: { ...orderEventBase(order, sequence), ...facts } };
}

/** The provider confirmed a refund. */
export function orderRefunded(order: Order, sequence: number, atMs: number, refund: RefundFacts): OrderEvent {
  const payload = { ...orderEventBase(order, sequence), ...refundPart(refund), refundedAt: toRfc3339(atMs) };
  return { type: 'orders.order.refunded.v1', payload };
}
