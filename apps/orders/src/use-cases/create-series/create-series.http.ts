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
    description:
      'Rounds are generated ahead by themselves. The SKUs must be known to orders and listed. Rounds open at local times of ' +
      '`timeZone`. On days when clocks change (RFC 5545), a local time that is skipped moves forward by the gap, and one that ' +
      'is shown twice happens the first time; openings of one instant are one. Rounds that exist are never moved.',
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
