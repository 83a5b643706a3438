import type { OrdersProto } from '@gravity/contracts';
import { callerOfGrpc, valueOrThrow } from '@gravity/http';
import { idOf, Operation } from '@gravity/service';
import { Controller } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { orderMessage } from '../../order-message';
import { GetOrder } from './get-order.use-case';

@Controller()
export class GetOrderGrpc {
  constructor(private readonly getOrder: GetOrder) {}

  @GrpcMethod('OrderService', 'GetOrder')
  @Operation({ id: 'getOrder', summary: 'Read an order', callers: ['buyer', 'merchant', 'operator', 'service'] })
  async get(request: OrdersProto.GetOrderRequest, metadata: object): Promise<OrdersProto.GetOrderResponse> {
    const order = valueOrThrow(await this.getOrder.execute(callerOfGrpc(metadata), idOf('order', request.orderId)));
    return { order: orderMessage(order) };
  }
}
