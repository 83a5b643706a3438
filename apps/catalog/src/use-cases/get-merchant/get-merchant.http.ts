import { Caller, type CallerIdentity, type HttpReply, Operation } from '@gravity/http';
import { Controller, Get, Inject, Param, Res } from '@nestjs/common';
import { readReply } from '../../reply';
import { MerchantView } from '../../views.dto';
import { GetMerchant } from './get-merchant.use-case';

@Controller('catalog/v1/merchants/:merchantId')
export class GetMerchantHttp {
  constructor(@Inject(GetMerchant) private readonly useCase: GetMerchant) {}

  @Get()
  @Operation({
    id: 'getMerchant',
    callers: ['operator', 'service', 'merchant'],
    summary: 'One merchant; a merchant sees only itself',
    tags: ['catalogue'],
    problems: ['not-found'],
    response: MerchantView,
  })
  async handle(
    @Caller() caller: CallerIdentity,
    @Param('merchantId') merchantId: string,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<MerchantView> {
    return readReply(reply, await this.useCase.execute(caller, merchantId));
  }
}
