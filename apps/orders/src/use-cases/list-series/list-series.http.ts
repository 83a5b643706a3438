import { Controller, Get, Query } from '@nestjs/common';
import { type Page, valueOrThrow } from '@gravity/http';
import { Operation } from '@gravity/service';
import { SeriesListView, type SeriesView } from '../../round-view';
import { ListSeriesQuery } from './list-series.dto';
import { ListSeries } from './list-series.use-case';

@Controller('orders/v1/series')
export class ListSeriesHttp {
  constructor(private readonly useCase: ListSeries) {}

  @Get()
  @Operation({
    id: 'listSeries',
    callers: ['operator', 'service'],
    summary: 'Series in the order of their creation',
    tags: ['series'],
    problems: ['invalid-cursor'],
    response: SeriesListView,
  })
  async handle(@Query() query: ListSeriesQuery): Promise<Page<SeriesView>> {
    return valueOrThrow(await this.useCase.execute(query));
  }
}
