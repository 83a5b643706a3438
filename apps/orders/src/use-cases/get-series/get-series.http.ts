import { Controller, Get, Param, Res } from '@nestjs/common';
import { etagOf, type HttpReply, Operation, valueOrThrow } from '@gravity/http';
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
  async handle(@Param('seriesId') seriesId: string, @Res({ passthrough: true }) reply: HttpReply): Promise<SeriesView> {
    const series = valueOrThrow(await this.useCase.execute(seriesId));
    reply.header('etag', etagOf(series.version));
    return series;
  }
}
