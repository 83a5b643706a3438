import { Caller, type CallerIdentity, Operation, valueOrThrow } from '@gravity/http';
import { Controller, Get, Param } from '@nestjs/common';
import type { OrderView } from '../../order-view';
import { OrderViewDto } from '../../order-view.dto';
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
    response: OrderViewDto,
  })
  async get(@Caller() caller: CallerIdentity, @Param('orderId') orderId: string): Promise<OrderView> {
    return valueOrThrow(await this.getOrder.execute(caller, orderId));
  }
}
