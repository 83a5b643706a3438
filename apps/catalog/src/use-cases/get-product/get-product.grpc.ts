import type { CatalogProto } from '@gravity/contracts';
import { Caller, type CallerIdentity, Operation, valueOrThrow } from '@gravity/http';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { productMessage } from '../../grpc-messages';
import { GetProduct } from './get-product.use-case';

@Controller()
export class GetProductGrpc {
  constructor(@Inject(GetProduct) private readonly useCase: GetProduct) {}

  @GrpcMethod('CatalogService', 'GetProduct')
  @Operation({
    id: 'getProduct',
    callers: ['buyer', 'merchant', 'anchor', 'operator', 'service'],
    summary: 'One product with its SKUs',
  })
  async handle(
    @Payload() request: CatalogProto.GetProductRequest,
    @Caller() caller: CallerIdentity,
  ): Promise<CatalogProto.GetProductResponse> {
    const { product, skus } = valueOrThrow(await this.useCase.execute(caller, request.productId));
    return { product: productMessage(product, skus) };
  }
}
