import { ListQuery } from '@gravity/http';
import { IdField, ListField, TimeField, values } from '@gravity/service';
import { roundMachine, type RoundStatus } from '../../domain/round';

export class ListRoundsQuery extends ListQuery {
  @ListField(values.oneOf(roundMachine.states), {
    max: roundMachine.states.length,
    optional: true,
    query: true,
    description: 'May be given several times',
  })
  status?: RoundStatus[];

  @IdField('series', { optional: true, description: 'Only rounds of this series' })
  seriesId?: string;

  @TimeField({ optional: true, description: 'Opens at this time or later' })
  from?: string;

  @TimeField({ optional: true, description: 'Opens before this time' })
  until?: string;
}
