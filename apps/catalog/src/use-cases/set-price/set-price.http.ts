import { Caller, type CallerIdentity, type HttpReply, IdempotencyKey, IfMatch, Operation } from '@gravity/http';
import { Body, Controller, Inject, Param, Post, Res } from '@nestjs/common';
import { Commands } from '../../commands';
import { writeReply } from '../../reply';
import { PriceBody } from '../../validation';
import { SkuView } from '../../views.dto';
import { SetPrice } from './set-price.use-case';

@Controller('catalog/v1/skus/:skuId/prices')
export class SetPriceHttp {
  constructor(
    @Inject(Commands) private readonly commands: Commands,
    @Inject(SetPrice) private readonly useCase: SetPrice,
  ) {}

  @Post()
  @Operation({
    id: 'setPrice',
    callers: ['operator', 'merchant'],
    summary: 'Give a SKU a new price version; earlier versions stay as they are',
    tags: ['catalogue'],
    problems: ['not-found'],
    idempotent: true,
    ifMatch: true,
    status: 201,
    response: SkuView,
  })
  async handle(
    @Caller() caller: CallerIdentity,
    @IdempotencyKey() key: string,
    @IfMatch() version: number,
    @Param('skuId') skuId: string,
    @Body() body: PriceBody,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<SkuView> {
    const command = { caller, operation: 'setPrice', key, request: { skuId, version, body }, status: 201 };
    const result = await this.commands.run(command, (tx) => this.useCase.execute(tx, caller, skuId, version, body));
    return writeReply(reply, result);
  }
}
