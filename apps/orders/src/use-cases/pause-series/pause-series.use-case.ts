// Pauses a series (no rounds are generated; those that exist take place) and continues it.
import { Injectable } from '@nestjs/common';
import { refuse } from '@gravity/contracts';
import { ok } from '@gravity/kernel';
import { found, transactional, type Write } from '@gravity/service';
import { type SeriesView, seriesView } from '../../round-view';
import { findSeries, setSeriesStatus } from '../../storage/series.repository';
import { RoundGenerator } from '../../workers/round-generator';

@Injectable()
export class PauseSeries {
  constructor(private readonly generator: RoundGenerator) {}

  /** Refusals: `not-found`, `stale-version`, `invalid-transition` for a series that has ended. Repeating is harmless. */
  execute(seriesId: string, wanted: 'PAUSED' | 'ACTIVE'): Write<SeriesView> {
    return transactional(
      { seriesId, wanted },
      async (tx, ifMatch) => {
        const stored = found('series', seriesId, await findSeries(tx, seriesId, 'lock'));
        if (!stored.ok) return stored;
        const series = stored.value;
        if (series.status === wanted) return ok(seriesView(series));
        const fresh = ifMatch.check(series.version);
        if (!fresh.ok) return fresh;
        if (series.status === 'ENDED') return refuse('invalid-transition', 'The series has ended.');
        await setSeriesStatus(tx, seriesId, series.version, wanted);
        return ok(seriesView({ ...series, status: wanted, version: series.version + 1 }));
      },
      {
        committed: () => {
          if (wanted === 'ACTIVE') this.generator.wake();
        },
      },
    );
  }
}
