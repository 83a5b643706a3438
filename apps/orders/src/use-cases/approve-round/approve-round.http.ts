import { Controller, Put } from '@nestjs/common';
import { Caller, type CallerIdentity } from '@gravity/http';
import { IdParam, Operation, type Write } from '@gravity/service';
import { RoundView } from '../../round-view';
import { ApproveRound } from './approve-round.use-case';

@Controller('orders/v1/rounds/:roundId/approval')
export class ApproveRoundHttp {
  constructor(private readonly useCase: ApproveRound) {}

  @Put()
  @Operation({
    id: 'approveRound',
    callers: ['operator'],
    summary: 'Let a drafted round open at its time',
    description: 'If-Match makes sure that the prices and quotas approved are those that were read.',
    tags: ['rounds'],
    problems: ['not-found', 'invalid-transition'],
    audit: true,
    ifMatch: true,
    response: RoundView,
  })
  handle(@Caller() caller: CallerIdentity, @IdParam('round') roundId: string): Write<RoundView> {
    return this.useCase.execute(caller, roundId);
  }
}
