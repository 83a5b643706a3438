import { Body, Controller, Post } from '@nestjs/common';
import { Caller, type CallerIdentity } from '@gravity/http';
import { IdParam, Operation, type Write } from '@gravity/service';
import { RoundView } from '../../round-view';
import { CreateRoundBody } from './create-round.dto';
import { CreateRound } from './create-round.use-case';

@Controller('orders/v1/series/:seriesId/rounds')
export class CreateRoundHttp {
  constructor(private readonly useCase: CreateRound) {}

  @Post()
  @Operation({
    id: 'createRound',
    callers: ['operator'],
    summary: 'Add a round to a series by hand',
    tags: ['rounds'],
    problems: ['not-found', 'sku-unknown'],
    audit: true,
    idempotent: true,
    status: 201,
    response: RoundView,
  })
  handle(
    @Caller() caller: CallerIdentity,
    @IdParam('series') seriesId: string,
    @Body() body: CreateRoundBody,
  ): Write<RoundView> {
    return this.useCase.execute(caller, seriesId, body);
  }
}
