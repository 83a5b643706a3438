import { Controller, Get } from '@nestjs/common';
import { valueOrThrow } from '@gravity/http';
import { IdParam, Operation } from '@gravity/service';
import { SeriesView } from '../../round-view';
import { GetSeries } from './get-series.use-case';

@Controller('orders/v1/series/:seriesId')
export class GetSeriesHttp {
  constructor(private readonly useCase: GetSeries) {}

  @Get()
  @Operation({
    id: 'getSeries',
    callers: ['operator', 'service'],
    summary: 'One series',
    tags: ['series'],
    problems: ['not-found'],
    response: SeriesView,
  })
  async handle(@IdParam('series') seriesId: string): Promise<SeriesView> {
    return valueOrThrow(await this.useCase.execute(seriesId));
  }
}
