import { Caller, type CallerIdentity, IdempotencyKey, valueOrThrow } from '@gravity/http';
import { IdParam, Operation } from '@gravity/service';
import { Controller, Post } from '@nestjs/common';
import { OrderView } from '../../order-view';
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
    lane: 'fast',
    status: 200,
    problems: ['not-found', 'order-not-cancellable', 'payment-provider-unavailable', 'outcome-unknown'],
    response: OrderView,
  })
  async cancel(
    @Caller() caller: CallerIdentity,
    @IdParam('order') orderId: string,
    @IdempotencyKey() _key: string,
  ): Promise<OrderView> {
    return valueOrThrow(await this.cancelOrder.execute(caller.sub, orderId));
  }
}
