import { Controller, Delete, Param, Put, Res } from '@nestjs/common';
import { etagOf, type HttpReply, IfMatch, Operation, valueOrThrow, VersionMatch } from '@gravity/http';
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
    ifMatch: true,
    response: SeriesView,
  })
  async pause(
    @Param('seriesId') seriesId: string,
    @IfMatch() ifMatch: VersionMatch,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<SeriesView> {
    return tagged(reply, valueOrThrow(await this.useCase.execute(seriesId, ifMatch, 'PAUSED')));
  }

  @Delete()
  @Operation({
    id: 'continueSeries',
    callers: ['operator'],
    summary: 'Generate rounds again',
    tags: ['series'],
    problems: ['not-found', 'invalid-transition'],
    ifMatch: true,
    status: 200,
    response: SeriesView,
  })
  async continue(
    @Param('seriesId') seriesId: string,
    @IfMatch() ifMatch: VersionMatch,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<SeriesView> {
    return tagged(reply, valueOrThrow(await this.useCase.execute(seriesId, ifMatch, 'ACTIVE')));
  }
}

function tagged(reply: HttpReply, series: SeriesView): SeriesView {
  reply.header('etag', etagOf(series.version));
  return series;
}
