// Pauses a series (no new rounds are generated; those that exist take place) and lets it go on.
import { Injectable } from '@nestjs/common';
import { type Problem, refuse } from '@gravity/contracts';
import type { VersionMatch } from '@gravity/http';
import { ok, type Result } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { notFound, parsePathId } from '../../round-access';
import { type SeriesView, seriesView } from '../../round-view';
import { findSeries, setSeriesStatus } from '../../storage/series.repository';
import { RoundGenerator } from '../../workers/round-generator';

@Injectable()
export class PauseSeries {
  constructor(
    private readonly database: Database,
    private readonly generator: RoundGenerator,
  ) {}

  /** Refusals: `not-found`, `stale-version`, `invalid-transition` for a series that has ended. Repeating is harmless. */
  async execute(
    seriesId: string,
    ifMatch: VersionMatch,
    wanted: 'PAUSED' | 'ACTIVE',
  ): Promise<Result<SeriesView, Problem>> {
    const id = parsePathId('series', seriesId);
    if (!id.ok) return id;
    const result = await this.database.transaction(async (tx): Promise<Result<SeriesView, Problem>> => {
      const series = await findSeries(tx, id.value, 'lock');
      if (series === undefined) return notFound('series', seriesId);
      if (series.status === wanted) return ok(seriesView(series));
      const fresh = ifMatch.check(series.version);
      if (!fresh.ok) return fresh;
      if (series.status === 'ENDED') return refuse('invalid-transition', 'The series has ended.');
      await setSeriesStatus(tx, id.value, series.version, wanted);
      return ok(seriesView({ ...series, status: wanted, version: series.version + 1 }));
    });
    if (result.ok && wanted === 'ACTIVE') this.generator.wake();
    return result;
  }
}
