import { Body, Controller, Post, Res } from '@nestjs/common';
import {
  Caller,
  type CallerIdentity,
  type HttpReply,
  idempotentBody,
  IdempotencyKey,
  Operation,
  valueOrThrow,
} from '@gravity/http';
import { SeriesView } from '../../round-view';
import { CreateSeriesBody } from './create-series.dto';
import { CreateSeries } from './create-series.use-case';

@Controller('orders/v1/series')
export class CreateSeriesHttp {
  constructor(private readonly useCase: CreateSeries) {}

  @Post()
  @Operation({
    id: 'createSeries',
    callers: ['operator'],
    summary: 'Create a flash-sale series',
    description: 'Rounds are generated ahead by themselves. The SKUs must be known to orders and listed.',
    tags: ['series'],
    problems: ['sku-unknown'],
    idempotent: true,
    status: 201,
    response: SeriesView,
  })
  async handle(
    @Caller() caller: CallerIdentity,
    @IdempotencyKey() key: string,
    @Body() body: CreateSeriesBody,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<SeriesView> {
    return idempotentBody(reply, valueOrThrow(await this.useCase.execute(caller, key, body)));
  }
}
