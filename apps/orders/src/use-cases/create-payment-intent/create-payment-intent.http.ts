import { Caller, type CallerIdentity, IdempotencyKey, valueOrThrow } from '@gravity/http';
import { IdParam, Operation } from '@gravity/service';
import { Controller, Post } from '@nestjs/common';
import { PaymentIntentView } from './create-payment-intent.dto';
import { CreatePaymentIntent } from './create-payment-intent.use-case';

@Controller('orders/v1/orders')
export class CreatePaymentIntentHttp {
  constructor(private readonly createPaymentIntent: CreatePaymentIntent) {}

  /**
   * An order has one intent, so the order itself is the idempotency key; the header is required as for every POST of
   * this kind.
   */
  @Post(':orderId/payment-intents')
  @Operation({
    id: 'createPaymentIntent',
    summary: 'Open the payment of an order',
    description:
      'Answers the same intent however often it is called for one order. An order that costs nothing is paid without one.',
    callers: ['buyer'],
    tags: ['payments'],
    idempotent: true,
    lane: 'fast',
    status: 201,
    problems: ['not-found', 'order-not-payable', 'payment-provider-unavailable', 'outcome-unknown'],
    response: PaymentIntentView,
  })
  async create(
    @Caller() caller: CallerIdentity,
    @IdParam('order') orderId: string,
    @IdempotencyKey() _key: string,
  ): Promise<PaymentIntentView> {
    return valueOrThrow(await this.createPaymentIntent.execute(caller.sub, orderId));
  }
}
