import type { Problem } from '@gravity/contracts';
import { type CallerIdentity, CursorSigner, type Page, listOf } from '@gravity/http';
import { type Result, ok } from '@gravity/kernel';
import { ownObjects, startOfPage, uuidOf } from '@gravity/service';
import { Injectable } from '@nestjs/common';
import type { Order, OrderStatus } from '../../domain/order';
import { type OrderView, orderView } from '../../order-view';
import { type OrderFilter, OrdersRepository } from '../../storage/orders.repository';

/** A list of orders as it is asked for; ids in wire form. */
export interface OrderQuery {
  readonly buyerId?: string | undefined;
  readonly merchantId?: string | undefined;
  readonly roundId?: string | undefined;
  readonly status?: OrderStatus | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

const LIST = 'orders';

@Injectable()
export class ListOrders {
  constructor(
    private readonly orders: OrdersRepository,
    private readonly cursors: CursorSigner,
  ) {}

  /** A page of the orders the caller may see, newest first. */
  async execute(caller: CallerIdentity, query: OrderQuery): Promise<Result<Page<OrderView>, Problem>> {
    const filter = visible(caller, query);
    if (filter === undefined) return ok(listOf([]));
    // The cursor is bound to the caller's view and of no use to another caller.
    const bound = { ...filter };
    const position = startOfPage(this.cursors, LIST, bound, query.cursor);
    if (!position.ok) return position;
    const [beforeId] = position.value;
    const rows = await this.orders.page(filter, beforeId === undefined ? undefined : String(beforeId), query.limit + 1);
    return ok(this.cursors.page(LIST, bound, query.limit, rows, (order: Order) => [order.orderId], orderView));
  }
}

/** The filter within the caller's own orders; undefined when nothing is left. */
function visible(caller: CallerIdentity, query: OrderQuery): OrderFilter | undefined {
  const own = ownObjects(caller);
  if (own === undefined) return undefined;
  const asked = {
    buyerId: query.buyerId,
    merchantId: query.merchantId === undefined ? undefined : uuidOf('merchant', query.merchantId),
    roundId: query.roundId === undefined ? undefined : uuidOf('round', query.roundId),
    status: query.status,
  };
  if (own.buyerId !== undefined && asked.buyerId !== undefined && asked.buyerId !== own.buyerId) return undefined;
  if (own.merchantId !== undefined && asked.merchantId !== undefined && asked.merchantId !== own.merchantId)
    return undefined;
  return { ...asked, ...own };
}
