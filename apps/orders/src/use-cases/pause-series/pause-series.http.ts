import { Controller, Delete, Put } from '@nestjs/common';
import { IdParam, Operation, type Write } from '@gravity/service';
import { SeriesView } from '../../round-view';
import { PauseSeries } from './pause-series.use-case';

@Controller('orders/v1/series/:seriesId/pause')
export class PauseSeriesHttp {
  constructor(private readonly useCase: PauseSeries) {}

  @Put()
  @Operation({
    id: 'pauseSeries',
    callers: ['operator'],
    summary: 'Generate no further rounds',
    description: 'Rounds that exist already take place; cancel or stop them one by one.',
    tags: ['series'],
    problems: ['not-found', 'invalid-transition'],
    audit: true,
    ifMatch: true,
    response: SeriesView,
  })
  pause(@IdParam('series') seriesId: string): Write<SeriesView> {
    return this.useCase.execute(seriesId, 'PAUSED');
  }

  @Delete()
  @Operation({
    id: 'continueSeries',
    callers: ['operator'],
    summary: 'Generate rounds again',
    tags: ['series'],
    problems: ['not-found', 'invalid-transition'],
    audit: true,
    ifMatch: true,
    status: 200,
    response: SeriesView,
  })
  continue(@IdParam('series') seriesId: string): Write<SeriesView> {
    return this.useCase.execute(seriesId, 'ACTIVE');
  }
}
