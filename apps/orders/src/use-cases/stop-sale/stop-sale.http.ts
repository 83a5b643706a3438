import { Body, Controller, Put } from '@nestjs/common';
import { Caller, type CallerIdentity } from '@gravity/http';
import { IdParam, Operation, type Write } from '@gravity/service';
import { RoundView } from '../../round-view';
import { ReasonBody } from './reason.dto';
import { StopSale } from './stop-sale.use-case';

@Controller('orders/v1/rounds/:roundId/stop-sale')
export class StopSaleHttp {
  constructor(private readonly useCase: StopSale) {}

  @Put()
  @Operation({
    id: 'stopSale',
    callers: ['operator'],
    summary: 'Stop the sale of a round at once',
    description:
      'No claim is accepted after the answer. Orders already placed stand. No If-Match: an emergency needs no read first.',
    tags: ['rounds'],
    problems: ['not-found', 'invalid-transition'],
    audit: true,
    response: RoundView,
  })
  handle(
    @Caller() caller: CallerIdentity,
    @IdParam('round') roundId: string,
    @Body() body: ReasonBody,
  ): Write<RoundView> {
    return this.useCase.execute(caller, roundId, body.reason);
  }
}
