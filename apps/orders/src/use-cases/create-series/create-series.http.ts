import { Body, Controller, Post } from '@nestjs/common';
import { Caller, type CallerIdentity } from '@gravity/http';
import { Operation, type Write } from '@gravity/service';
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
    audit: true,
    idempotent: true,
    status: 201,
    response: SeriesView,
  })
  handle(@Caller() caller: CallerIdentity, @Body() body: CreateSeriesBody): Write<SeriesView> {
    return this.useCase.execute(caller, body);
  }
}
