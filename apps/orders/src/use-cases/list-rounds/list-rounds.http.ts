import { Controller, Get, Query } from '@nestjs/common';
import { Caller, type CallerIdentity, type Page, valueOrThrow } from '@gravity/http';
import { Operation } from '@gravity/service';
import { RoundListView, type RoundView } from '../../round-view';
import { ListRoundsQuery } from './list-rounds.dto';
import { ListRounds } from './list-rounds.use-case';

@Controller('orders/v1/rounds')
export class ListRoundsHttp {
  constructor(private readonly useCase: ListRounds) {}

  @Get()
  @Operation({
    id: 'listRounds',
    callers: ['buyer', 'merchant', 'anchor', 'operator', 'service'],
    summary: 'Rounds in the order of their opening',
    description:
      'Buyers see rounds from their approval on, merchants also earlier ones with an item of theirs, operators all.',
    tags: ['rounds'],
    problems: ['invalid-cursor'],
    response: RoundListView,
  })
  async handle(@Caller() caller: CallerIdentity, @Query() query: ListRoundsQuery): Promise<Page<RoundView>> {
    return valueOrThrow(await this.useCase.execute(caller, query));
  }
}
