import { Controller, Param, Put, Res } from '@nestjs/common';
import {
  Caller,
  type CallerIdentity,
  etagOf,
  type HttpReply,
  IfMatch,
  Operation,
  valueOrThrow,
  VersionMatch,
} from '@gravity/http';
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
    ifMatch: true,
    response: RoundView,
  })
  async handle(
    @Caller() caller: CallerIdentity,
    @Param('roundId') roundId: string,
    @IfMatch() ifMatch: VersionMatch,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<RoundView> {
    const round = valueOrThrow(await this.useCase.execute(caller, roundId, ifMatch));
    reply.header('etag', etagOf(round.version));
    return round;
  }
}
