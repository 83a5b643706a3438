import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { mapOk, type Result } from '@gravity/kernel';
import { found, maySee } from '@gravity/service';
import { Injectable } from '@nestjs/common';
import { type OrderView, orderView } from '../../order-view';
import { OrdersRepository } from '../../storage/orders.repository';

@Injectable()
export class GetOrder {
  constructor(private readonly orders: OrdersRepository) {}

  /** One order (a uuid) that the caller may see. Refusal: `not-found`. */
  async execute(caller: CallerIdentity, orderId: string): Promise<Result<OrderView, Problem>> {
    const order = await this.orders.find(orderId);
    return mapOk(
      found('order', orderId, order, (one) => maySee(caller, one)),
      orderView,
    );
  }
}
