import { Body, Controller, Put } from '@nestjs/common';
import { Caller, type CallerIdentity } from '@gravity/http';
import { IdParam, Operation, type Write } from '@gravity/service';
import { RoundView } from '../../round-view';
import { ReasonBody } from '../stop-sale/reason.dto';
import { CancelRound } from './cancel-round.use-case';

@Controller('orders/v1/rounds/:roundId/cancellation')
export class CancelRoundHttp {
  constructor(private readonly useCase: CancelRound) {}

  @Put()
  @Operation({
    id: 'cancelRound',
    callers: ['operator'],
    summary: 'Cancel a round, or end it early when it is on sale',
    description:
      'A round without orders becomes CANCELLED. A round on sale becomes CLOSED: orders already placed stand. ' +
      'No If-Match, so that an emergency needs no read first.',
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
