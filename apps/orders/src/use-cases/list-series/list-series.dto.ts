import { ListQuery } from '@gravity/http';
import { EnumField } from '@gravity/service';
import { SERIES_STATUSES, type SeriesStatus } from '../../storage/series.repository';

export class ListSeriesQuery extends ListQuery {
  @EnumField(SERIES_STATUSES, { optional: true })
  status?: SeriesStatus;
}
