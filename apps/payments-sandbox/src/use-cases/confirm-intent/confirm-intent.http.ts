import { Operation, valueOrThrow } from '@gravity/http';
import { Body, Controller, Headers, Param, Post } from '@nestjs/common';
import { bearerOf } from '../../server-key.guard';
import { ConfirmIntentDto, ConfirmedIntentView } from './confirm-intent.dto';
import { ConfirmIntent } from './confirm-intent.use-case';

@Controller('payments-sandbox/v1/intents')
export class ConfirmIntentHttp {
  constructor(private readonly confirmIntent: ConfirmIntent) {}

  @Post(':intentId/confirmation')
  @Operation({
    id: 'confirmIntent',
    summary: 'Pay, as the buyer: Authorization carries the client secret',
    publicBecause: 'checked by the client secret of the intent',
    tags: ['payments-sandbox'],
    problems: ['unauthenticated', 'not-found', 'order-not-payable', 'outcome-unknown'],
    status: 200,
    response: ConfirmedIntentView,
  })
  async handle(
    @Param('intentId') intentId: string,
    @Headers('authorization') authorization: string | undefined,
    @Body() body: ConfirmIntentDto,
  ): Promise<ConfirmedIntentView> {
    const intent = valueOrThrow(await this.confirmIntent.execute(intentId, bearerOf(authorization), body.token));
    return { intentId: intent.intentId, status: intent.status };
  }
}
