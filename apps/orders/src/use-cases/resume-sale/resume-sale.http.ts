import { Controller, Delete, Param, Res } from '@nestjs/common';
import { Caller, type CallerIdentity, etagOf, type HttpReply, Operation, valueOrThrow } from '@gravity/http';
import { RoundView } from '../../round-view';
import { ResumeSale } from './resume-sale.use-case';

@Controller('orders/v1/rounds/:roundId/stop-sale')
export class ResumeSaleHttp {
  constructor(private readonly useCase: ResumeSale) {}

  @Delete()
  @Operation({
    id: 'resumeSale',
    callers: ['operator'],
    summary: 'Let a stopped sale go on',
    tags: ['rounds'],
    problems: ['not-found', 'invalid-transition'],
    status: 200,
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
