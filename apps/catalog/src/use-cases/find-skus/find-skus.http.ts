import { Caller, type CallerIdentity, Operation, type Page, valueOrThrow } from '@gravity/http';
import { Controller, Get, Inject, Query } from '@nestjs/common';
import { skuView } from '../../views';
import { SkuListView, type SkuView } from '../../views.dto';
import { FindSkusQuery } from './find-skus.dto';
import { FindSkus } from './find-skus.use-case';

@Controller('catalog/v1/skus')
export class FindSkusHttp {
  constructor(@Inject(FindSkus) private readonly useCase: FindSkus) {}

  @Get()
  @Operation({
    id: 'findSkus',
    callers: ['buyer', 'merchant', 'anchor', 'operator', 'service'],
    summary: 'SKUs, newest first',
    tags: ['catalogue'],
    problems: ['invalid-cursor'],
    response: SkuListView,
  })
  async handle(@Caller() caller: CallerIdentity, @Query() query: FindSkusQuery): Promise<Page<SkuView>> {
    return valueOrThrow(await this.useCase.execute(caller, query, skuView));
  }
}
