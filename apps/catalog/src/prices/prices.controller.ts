// Prices over REST.
import { Caller, type CallerIdentity } from '@gravity/http';
import { mapOk } from '@gravity/kernel';
import { IdParam, moneyOf, Operation, PositiveMoneyBody, transactional, type Write } from '@gravity/service';
import { Body, Controller, Post } from '@nestjs/common';
import { SkuView, skuView } from '../products/products.views';
import { PricesService } from './prices.service';

@Controller('catalog/v1/skus/:skuId/prices')
export class PricesController {
  constructor(private readonly prices: PricesService) {}

  @Post()
  @Operation({
    id: 'setPrice',
    callers: ['operator', 'merchant'],
    summary: 'Give a SKU a new price version; earlier versions stay as they are',
    tags: ['catalogue'],
    problems: ['not-found'],
    idempotent: true,
    ifMatch: true,
    audit: true,
    status: 201,
    response: SkuView,
  })
  set(
    @Caller() caller: CallerIdentity,
    @IdParam('sku') skuId: string,
    @Body() body: PositiveMoneyBody,
  ): Write<SkuView> {
    return transactional({ skuId, body }, async (tx, ifMatch) =>
      mapOk(await this.prices.set(tx, caller, ifMatch, skuId, moneyOf(body)), skuView),
    );
  }
}
