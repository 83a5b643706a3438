import { Body, Controller, Param, Post, Res } from '@nestjs/common';
import {
  Caller,
  type CallerIdentity,
  type HttpReply,
  idempotentBody,
  IdempotencyKey,
  Operation,
  valueOrThrow,
} from '@gravity/http';
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
    idempotent: true,
    status: 201,
    response: RoundView,
  })
  async handle(
    @Caller() caller: CallerIdentity,
    @IdempotencyKey() key: string,
    @Param('seriesId') seriesId: string,
    @Body() body: CreateRoundBody,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<RoundView> {
    return idempotentBody(reply, valueOrThrow(await this.useCase.execute(caller, key, seriesId, body)));
  }
}
