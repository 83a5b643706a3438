import { Caller, type CallerIdentity, Operation, type Page, valueOrThrow } from '@gravity/http';
import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ShopListView, type ShopView } from '../../views.dto';
import { FindShopsQuery } from './find-shops.dto';
import { FindShops } from './find-shops.use-case';

@Controller('catalog/v1/shops')
export class FindShopsHttp {
  constructor(@Inject(FindShops) private readonly useCase: FindShops) {}

  @Get()
  @Operation({
    id: 'findShops',
    callers: ['operator', 'service', 'merchant'],
    summary: 'Shops, newest first; a merchant sees its own',
    tags: ['catalogue'],
    problems: ['invalid-cursor'],
    response: ShopListView,
  })
  async handle(@Caller() caller: CallerIdentity, @Query() query: FindShopsQuery): Promise<Page<ShopView>> {
    return valueOrThrow(await this.useCase.execute(caller, query));
  }
}
