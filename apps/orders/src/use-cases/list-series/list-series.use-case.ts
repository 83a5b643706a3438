import { Injectable } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import { CursorSigner, type Page } from '@gravity/http';
import { ok, type Result } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { startOfPage } from '@gravity/service';
import { type SeriesView, seriesView } from '../../round-view';
import { listSeries } from '../../storage/series.repository';
import type { ListSeriesQuery } from './list-series.dto';

@Injectable()
export class ListSeries {
  constructor(
    private readonly database: Database,
    private readonly cursors: CursorSigner,
  ) {}

  /** Series in the order of their creation. Refusals: `invalid-cursor`. */
  async execute(query: ListSeriesQuery): Promise<Result<Page<SeriesView>, Problem>> {
    const bound = { status: query.status };
    const start = startOfPage(this.cursors, 'series', bound, query.cursor);
    if (!start.ok) return start;
    const [afterId] = start.value as readonly [string?];
    const rows = await listSeries(this.database, {
      limit: query.limit,
      ...(query.status === undefined ? {} : { status: query.status }),
      ...(afterId === undefined ? {} : { afterId }),
    });
    return ok(this.cursors.page('series', bound, query.limit, rows, (series) => [series.seriesId], seriesView));
  }
}
