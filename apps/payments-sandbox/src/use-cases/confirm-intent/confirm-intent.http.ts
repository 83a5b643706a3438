import { valueOrThrow } from '@gravity/http';
import { Operation, PathParam } from '@gravity/service';
import { Body, Controller, Headers, Post } from '@nestjs/common';
import { INTENT_ID } from '../../sandbox-values';
import { bearerOf } from '../../server-key.guard';
import { ConfirmIntentBody, ConfirmedIntentView } from './confirm-intent.dto';
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
    @PathParam('intentId', INTENT_ID) intentId: string,
    @Headers('authorization') authorization: string | undefined,
    @Body() body: ConfirmIntentBody,
  ): Promise<ConfirmedIntentView> {
    const intent = valueOrThrow(await this.confirmIntent.execute(intentId, bearerOf(authorization), body.token));
    return { intentId: intent.intentId, status: intent.status };
  }
}
