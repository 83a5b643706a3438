// Merchants over REST.
import { Caller, type CallerIdentity, valueOrThrow } from '@gravity/http';
import { mapOk } from '@gravity/kernel';
import { IdParam, Operation, transactional, type Write } from '@gravity/service';
import { Body, Controller, Get, Post } from '@nestjs/common';
import { MerchantView, merchantView, RegisterMerchantBody } from './merchants.dto';
import { MerchantsService } from './merchants.service';

@Controller('catalog/v1/merchants')
export class MerchantsController {
  constructor(private readonly merchants: MerchantsService) {}

  @Post()
  @Operation({
    id: 'registerMerchant',
    callers: ['operator'],
    summary: 'Admit a merchant',
    tags: ['catalogue'],
    idempotent: true,
    audit: true,
    status: 201,
    response: MerchantView,
  })
  register(@Body() body: RegisterMerchantBody): Write<MerchantView> {
    return transactional(body, async (tx) => mapOk(await this.merchants.register(tx, body.name), merchantView));
  }

  @Get(':merchantId')
  @Operation({
    id: 'getMerchant',
    callers: ['operator', 'service', 'merchant'],
    summary: 'One merchant; a merchant sees only itself',
    tags: ['catalogue'],
    problems: ['not-found'],
    response: MerchantView,
  })
  async get(@Caller() caller: CallerIdentity, @IdParam('merchant') id: string): Promise<MerchantView> {
    return merchantView(valueOrThrow(await this.merchants.get(caller, id)));
  }
}
