import { Body, Controller, Param, Put, Res } from '@nestjs/common';
import { Caller, type CallerIdentity, etagOf, type HttpReply, Operation, valueOrThrow } from '@gravity/http';
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
    response: RoundView,
  })
  async handle(
    @Caller() caller: CallerIdentity,
    @Param('roundId') roundId: string,
    @Body() body: ReasonBody,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<RoundView> {
    const round = valueOrThrow(await this.useCase.execute(caller, roundId, body.reason));
    reply.header('etag', etagOf(round.version));
    return round;
  }
}
