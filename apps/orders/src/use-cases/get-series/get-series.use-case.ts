import { Injectable } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import { ok, type Result } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { notFound, parsePathId } from '../../round-access';
import { type SeriesView, seriesView } from '../../round-view';
import { findSeries } from '../../storage/series.repository';

@Injectable()
export class GetSeries {
  constructor(private readonly database: Database) {}

  /** Refusals: `not-found`. */
  async execute(seriesId: string): Promise<Result<SeriesView, Problem>> {
    const id = parsePathId('series', seriesId);
    if (!id.ok) return id;
    const series = await findSeries(this.database, id.value);
    return series === undefined ? notFound('series', seriesId) : ok(seriesView(series));
  }
}
