import { Injectable } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import { mapOk, type Result } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { found } from '@gravity/service';
import { type SeriesView, seriesView } from '../../round-view';
import { findSeries } from '../../storage/series.repository';

@Injectable()
export class GetSeries {
  constructor(private readonly database: Database) {}

  /** Refusals: `not-found`. */
  async execute(seriesId: string): Promise<Result<SeriesView, Problem>> {
    return mapOk(found('series', seriesId, await findSeries(this.database, seriesId)), seriesView);
  }
}
