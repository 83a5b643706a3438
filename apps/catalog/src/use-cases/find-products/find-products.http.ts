import { Caller, type CallerIdentity, Operation, type Page, valueOrThrow } from '@gravity/http';
import { Controller, Get, Inject, Query } from '@nestjs/common';
import { productView } from '../../views';
import { ProductListView, type ProductView } from '../../views.dto';
import { FindProductsQuery } from './find-products.dto';
import { FindProducts } from './find-products.use-case';

@Controller('catalog/v1/products')
export class FindProductsHttp {
  constructor(@Inject(FindProducts) private readonly useCase: FindProducts) {}

  @Get()
  @Operation({
    id: 'findProducts',
    callers: ['buyer', 'merchant', 'anchor', 'operator', 'service'],
    summary: 'Products: by text, best match first; otherwise newest first',
    tags: ['catalogue'],
    problems: ['invalid-cursor'],
    response: ProductListView,
  })
  async handle(@Caller() caller: CallerIdentity, @Query() query: FindProductsQuery): Promise<Page<ProductView>> {
    return valueOrThrow(await this.useCase.execute(caller, query, productView));
  }
}
