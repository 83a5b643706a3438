import { Controller, Get, Param, Res } from '@nestjs/common';
import { Caller, type CallerIdentity, etagOf, type HttpReply, Operation, valueOrThrow } from '@gravity/http';
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
  async handle(
    @Caller() caller: CallerIdentity,
    @Param('roundId') roundId: string,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<RoundView> {
    const round = valueOrThrow(await this.useCase.execute(caller, roundId));
    reply.header('etag', etagOf(round.version));
    return round;
  }
}
