import type { CatalogProto } from '@gravity/contracts';
import { Caller, type CallerIdentity, Operation, valueOrThrow } from '@gravity/http';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { skuMessage } from '../../grpc-messages';
import { GetSku } from './get-sku.use-case';

@Controller()
export class GetSkuGrpc {
  constructor(@Inject(GetSku) private readonly useCase: GetSku) {}

  @GrpcMethod('CatalogService', 'GetSku')
  @Operation({
    id: 'getSku',
    callers: ['buyer', 'merchant', 'anchor', 'operator', 'service'],
    summary: 'One SKU with its current price',
  })
  async handle(
    @Payload() request: CatalogProto.GetSkuRequest,
    @Caller() caller: CallerIdentity,
  ): Promise<CatalogProto.GetSkuResponse> {
    return { sku: skuMessage(valueOrThrow(await this.useCase.execute(caller, request.skuId))) };
  }
}
