import { Caller, type CallerIdentity, valueOrThrow } from '@gravity/http';
import { IdParam, Operation } from '@gravity/service';
import { Controller, Get } from '@nestjs/common';
import { OrderView } from '../../order-view';
import { GetOrder } from './get-order.use-case';

@Controller('orders/v1/orders')
export class GetOrderHttp {
  constructor(private readonly getOrder: GetOrder) {}

  @Get(':orderId')
  @Operation({
    id: 'getOrder',
    summary: 'Read an order',
    callers: ['buyer', 'merchant', 'operator', 'service'],
    tags: ['orders'],
    problems: ['not-found'],
    response: OrderView,
  })
  async get(@Caller() caller: CallerIdentity, @IdParam('order') orderId: string): Promise<OrderView> {
    return valueOrThrow(await this.getOrder.execute(caller, orderId));
  }
}
