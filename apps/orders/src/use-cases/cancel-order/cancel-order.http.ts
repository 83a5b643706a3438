import { Caller, type CallerIdentity, IdempotencyKey, Operation, valueOrThrow } from '@gravity/http';
import { Controller, Param, Post } from '@nestjs/common';
import type { OrderView } from '../../order-view';
import { OrderViewDto } from '../../order-view.dto';
import { CancelOrder } from './cancel-order.use-case';

@Controller('orders/v1/orders')
export class CancelOrderHttp {
  constructor(private readonly cancelOrder: CancelOrder) {}

  @Post(':orderId/cancellation')
  @Operation({
    id: 'cancelOrder',
    summary: 'Cancel an unpaid order',
    description: 'The units are for sale again at once. Repeating the call gives the same answer.',
    callers: ['buyer'],
    tags: ['orders'],
    idempotent: true,
    status: 200,
    problems: ['not-found', 'order-not-cancellable', 'payment-provider-unavailable', 'outcome-unknown'],
    response: OrderViewDto,
  })
  async cancel(
    @Caller() caller: CallerIdentity,
    @Param('orderId') orderId: string,
    @IdempotencyKey() _key: string,
  ): Promise<OrderView> {
    return valueOrThrow(await this.cancelOrder.execute(caller.sub, orderId));
  }
}
