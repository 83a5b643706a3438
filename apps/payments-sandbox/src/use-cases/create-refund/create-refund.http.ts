import { type HttpReply, IdempotencyKey, valueOrThrow } from '@gravity/http';
import { moneyToJson } from '@gravity/kernel';
import { moneyOf, Operation } from '@gravity/service';
import { Body, Controller, Post, Res, UseGuards } from '@nestjs/common';
import { ServerKeyGuard } from '../../server-key.guard';
import { CreateRefundBody, RefundView } from './create-refund.dto';
import { CreateRefund } from './create-refund.use-case';

@Controller('payments-sandbox/v1/refunds')
export class CreateRefundHttp {
  constructor(private readonly createRefund: CreateRefund) {}

  @Post()
  @Operation({
    id: 'createRefund',
    summary: 'Give money back',
    publicBecause: 'checked by the provider key',
    tags: ['payments-sandbox'],
    problems: ['unauthenticated', 'not-found', 'invalid-transition'],
    idempotent: true,
    lane: 'fast',
    status: 201,
    response: RefundView,
  })
  @UseGuards(ServerKeyGuard)
  async handle(
    @IdempotencyKey() idempotencyKey: string,
    @Body() body: CreateRefundBody,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<RefundView> {
    const { refundId, intentId, amount, isNew } = valueOrThrow(
      await this.createRefund.execute({
        intentId: body.intentId,
        chargeId: body.chargeId,
        amount: moneyOf(body.amount),
        idempotencyKey,
      }),
    );
    if (!isNew) reply.header('idempotent-replayed', 'true');
    return { refundId, intentId, amount: moneyToJson(amount), status: 'SUCCEEDED' };
  }
}
