// Shops over REST.
import { Caller, type CallerIdentity, type Page, valueOrThrow } from '@gravity/http';
import { mapOk } from '@gravity/kernel';
import { Operation, transactional, type Write } from '@gravity/service';
import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { FindShopsQuery, OpenShopBody, ShopListView, ShopView, shopView } from './shops.dto';
import { ShopsService } from './shops.service';

@Controller('catalog/v1/shops')
export class ShopsController {
  constructor(private readonly shops: ShopsService) {}

  @Post()
  @Operation({
    id: 'openShop',
    callers: ['operator', 'merchant'],
    summary: 'Open a shop of a merchant',
    tags: ['catalogue'],
    problems: ['not-found'],
    idempotent: true,
    audit: true,
    status: 201,
    response: ShopView,
  })
  open(@Caller() caller: CallerIdentity, @Body() body: OpenShopBody): Write<ShopView> {
    return transactional(body, async (tx) => mapOk(await this.shops.open(tx, caller, body), shopView));
  }

  @Get()
  @Operation({
    id: 'findShops',
    callers: ['operator', 'service', 'merchant'],
    summary: 'Shops, newest first; a merchant sees its own',
    tags: ['catalogue'],
    problems: ['invalid-cursor'],
    response: ShopListView,
  })
  async find(@Caller() caller: CallerIdentity, @Query() query: FindShopsQuery): Promise<Page<ShopView>> {
    return valueOrThrow(await this.shops.find(caller, query));
  }
}
