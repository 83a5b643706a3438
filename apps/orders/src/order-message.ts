// An order as gRPC callers see it.
import type { OrdersProto } from '@gravity/contracts';
import type { MoneyJson } from '@gravity/kernel';
import type { OrderView } from './order-view';

/** The protobuf form of an order's view. Enum values are texts, as the proto loader is told. */
export function orderMessage(order: OrderView): OrdersProto.Order {
  return {
    id: order.orderId,
    status: `ORDER_STATUS_${order.status}` as unknown as OrdersProto.OrderStatus,
    buyerId: order.buyerId,
    merchantId: order.merchantId,
    shopId: order.shopId,
    seriesId: order.seriesId,
    roundId: order.roundId,
    itemId: order.itemId,
    lines: order.lines.map((line) => ({
      skuId: line.skuId,
      quantity: line.quantity,
      unitPrice: moneyMessage(line.unitPrice),
      priceVersionId: '',
      title: line.title,
    })),
    total: moneyMessage(order.total),
    placedAt: timestamp(order.placedAt),
    expiresAt: timestamp(order.expiresAt),
    paidAt: timestamp(order.paidAt),
    closedAt: timestamp(order.closedAt),
    closeReason: order.closeReason ?? '',
    version: order.version,
  };
}

function moneyMessage(money: MoneyJson): { amountMinor: string; currency: string } {
  return { amountMinor: String(money.amount), currency: money.currency };
}

function timestamp(text: string | undefined): { seconds: string; nanos: number } | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  return { seconds: String(Math.floor(ms / 1_000)), nanos: (ms % 1_000) * 1_000_000 };
}
