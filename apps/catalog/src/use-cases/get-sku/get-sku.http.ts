import { Caller, type CallerIdentity, type HttpReply, Operation, valueOrThrow } from '@gravity/http';
import { ok } from '@gravity/kernel';
import { Controller, Get, Inject, Param, Res } from '@nestjs/common';
import { readReply } from '../../reply';
import { skuView } from '../../views';
import { SkuView } from '../../views.dto';
import { GetSku } from './get-sku.use-case';

@Controller('catalog/v1/skus/:skuId')
export class GetSkuHttp {
  constructor(@Inject(GetSku) private readonly useCase: GetSku) {}

  @Get()
  @Operation({
    id: 'getSku',
    callers: ['buyer', 'merchant', 'anchor', 'operator', 'service'],
    summary: 'One SKU with its current price',
    tags: ['catalogue'],
    problems: ['not-found'],
    response: SkuView,
  })
  async handle(
    @Caller() caller: CallerIdentity,
    @Param('skuId') skuId: string,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<SkuView> {
    return readReply(reply, ok(skuView(valueOrThrow(await this.useCase.execute(caller, skuId)))));
  }
}
