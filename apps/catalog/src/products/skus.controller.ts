// SKUs over REST.
import { Caller, type CallerIdentity, type Page, valueOrThrow } from '@gravity/http';
import { IdParam, Operation } from '@gravity/service';
import { Controller, Get, Query } from '@nestjs/common';
import { FIND_SKUS, GET_SKU } from './products.operations';
import { FindSkusQuery } from './products.dto';
import { ProductsService } from './products.service';
import { SkuListView, SkuView, skuView } from './products.views';

const tags = ['catalogue'];

@Controller('catalog/v1/skus')
export class SkusController {
  constructor(private readonly products: ProductsService) {}

  @Get()
  @Operation({ ...FIND_SKUS, tags, problems: ['invalid-cursor'], response: SkuListView })
  async find(@Caller() caller: CallerIdentity, @Query() query: FindSkusQuery): Promise<Page<SkuView>> {
    return valueOrThrow(await this.products.findSkus(caller, query, skuView));
  }

  @Get(':skuId')
  @Operation({ ...GET_SKU, tags, problems: ['not-found'], response: SkuView })
  async get(@Caller() caller: CallerIdentity, @IdParam('sku') skuId: string): Promise<SkuView> {
    return skuView(valueOrThrow(await this.products.getSku(caller, skuId)));
  }
}
