import { Caller, type CallerIdentity, IdempotencyKey, Operation, valueOrThrow } from '@gravity/http';
import { Controller, Param, Post } from '@nestjs/common';
import { PaymentIntentDto } from './create-payment-intent.dto';
import { CreatePaymentIntent } from './create-payment-intent.use-case';

@Controller('orders/v1/orders')
export class CreatePaymentIntentHttp {
  constructor(private readonly createPaymentIntent: CreatePaymentIntent) {}

  /** An order has one intent, so the order itself is the real idempotency key; the header is required like everywhere. */
  @Post(':orderId/payment-intents')
  @Operation({
    id: 'createPaymentIntent',
    summary: 'Open the payment of an order',
    description:
      'Answers the same intent however often it is called for one order. An order that costs nothing is paid without one.',
    callers: ['buyer'],
    tags: ['payments'],
    idempotent: true,
    status: 201,
    problems: ['not-found', 'order-not-payable', 'payment-provider-unavailable', 'outcome-unknown'],
    response: PaymentIntentDto,
  })
  async create(
    @Caller() caller: CallerIdentity,
    @Param('orderId') orderId: string,
    @IdempotencyKey() _key: string,
  ): Promise<PaymentIntentDto> {
    return valueOrThrow(await this.createPaymentIntent.execute(caller.sub, orderId));
  }
}
