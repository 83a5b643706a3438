import { type HttpReply, type HttpRequest, sendProblem } from '@gravity/http';
import { Operation, PathParam, values } from '@gravity/service';
import { Controller, Post, Req, Res } from '@nestjs/common';
import { PROVIDER_NAME } from '../../storage/order-rows';
import { ReceivePaymentCallback } from './receive-payment-callback.use-case';

const EMPTY = Buffer.alloc(0);

@Controller('orders/v1/payment-callbacks')
export class ReceivePaymentCallbackHttp {
  constructor(private readonly receive: ReceivePaymentCallback) {}

  @Post(':provider')
  @Operation({
    id: 'receivePaymentCallback',
    summary: "The payment provider's signed callbacks (Standard Webhooks)",
    description: 'Answers 204 after the effect is committed. Anything else: deliver again, the event is applied once.',
    publicBecause: 'the signature over the body says who sends',
    tags: ['payments'],
    status: 204,
    problems: ['signature-invalid', 'payload-too-large', 'not-found'],
  })
  async handle(
    @PathParam('provider', values.oneOf([PROVIDER_NAME])) provider: string,
    @Req() request: HttpRequest,
    @Res() reply: HttpReply,
  ): Promise<void> {
    // The signature covers the sent bytes, not the parsed body.
    const settled = await this.receive.execute(provider, request.headers, request.rawBody ?? EMPTY);
    if (!settled.ok) return sendProblem(reply, settled.error);
    reply.code(204).send();
  }
}
