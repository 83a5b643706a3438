import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { type Result, ok } from '@gravity/kernel';
import { Injectable } from '@nestjs/common';
import { maySee, orderNotFound, orderUuid } from '../../order-access';
import { type OrderView, orderView } from '../../order-view';
import { OrdersRepository } from '../../storage/orders.repository';

@Injectable()
export class GetOrder {
  constructor(private readonly orders: OrdersRepository) {}

  /** One order the caller may see; somebody else's does not exist for them. */
  async execute(caller: CallerIdentity, orderId: string): Promise<Result<OrderView, Problem>> {
    const uuid = orderUuid(orderId);
    if (!uuid.ok) return uuid;
    const order = await this.orders.find(uuid.value);
    return order !== undefined && maySee(caller, order) ? ok(orderView(order)) : orderNotFound();
  }
}
