// An order as callers see it over REST. The claim's answer, the reads and the event stream all use this one shape.
import { idFromUuid, moneyToJson, toRfc3339 } from '@gravity/kernel';
import {
  CountField,
  EnumField,
  IdField,
  ListField,
  MoneyView,
  MoneyViewField,
  PageOf,
  TextViewField,
  TimeField,
} from '@gravity/service';
import { BUYER_ID_MAX, TITLE_MAX } from './limits';
import { CLOSE_REASONS, type CloseReason, type Order, ORDER_STATUSES, type OrderStatus } from './domain/order';

export class OrderLineView {
  @IdField('sku') skuId: string;
  @TextViewField({ max: TITLE_MAX, description: 'The title when the order was placed' }) title: string;
  @CountField() quantity: number;
  @MoneyViewField() unitPrice: MoneyView;
}

export class OrderView {
  @IdField('order') orderId: string;
  @EnumField(ORDER_STATUSES) status: OrderStatus;
  @IdField('round') roundId: string;
  @IdField('item') itemId: string;
  @IdField('series') seriesId: string;
  @TextViewField({ max: BUYER_ID_MAX }) buyerId: string;
  @IdField('merchant') merchantId: string;
  @IdField('shop') shopId: string;
  @CountField() quantity: number;
  @ListField(OrderLineView, { max: 1 }) lines: readonly OrderLineView[];
  @MoneyViewField() total: MoneyView;
  @TimeField() placedAt: string;
  @TimeField({ description: 'Not paid by then, the order closes' }) expiresAt: string;
  @TimeField({ optional: true }) paidAt?: string;
  @TimeField({ optional: true }) closedAt?: string;
  @EnumField(CLOSE_REASONS, { optional: true }) closeReason?: CloseReason;
  @CountField({ description: 'Grows with every change' }) version: number;
}

export class OrderListView extends PageOf(OrderView) {}

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
