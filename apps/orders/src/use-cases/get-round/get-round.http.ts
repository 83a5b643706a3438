import { Controller, Get } from '@nestjs/common';
import { Caller, type CallerIdentity, valueOrThrow } from '@gravity/http';
import { IdParam, Operation } from '@gravity/service';
import { RoundView } from '../../round-view';
import { GetRound } from './get-round.use-case';

@Controller('orders/v1/rounds/:roundId')
export class GetRoundHttp {
  constructor(private readonly useCase: GetRound) {}

  @Get()
  @Operation({
    id: 'getRound',
    callers: ['buyer', 'merchant', 'anchor', 'operator', 'service'],
    summary: 'One round with its items',
    tags: ['rounds'],
    problems: ['not-found'],
    response: RoundView,
  })
  async handle(@Caller() caller: CallerIdentity, @IdParam('round') roundId: string): Promise<RoundView> {
    return valueOrThrow(await this.useCase.execute(caller, roundId));
  }
}
