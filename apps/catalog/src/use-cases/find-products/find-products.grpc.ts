import type { CatalogProto } from '@gravity/contracts';
import { Caller, type CallerIdentity, Operation, valueOrThrow } from '@gravity/http';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { attributePairs, pageLimit, productMessage } from '../../grpc-messages';
import { FindProducts } from './find-products.use-case';

@Controller()
export class FindProductsGrpc {
  constructor(@Inject(FindProducts) private readonly useCase: FindProducts) {}

  @GrpcMethod('CatalogService', 'SearchProducts')
  @Operation({
    id: 'findProducts',
    callers: ['buyer', 'merchant', 'anchor', 'operator', 'service'],
    summary: 'Products by text, best match first',
  })
  async handle(
    @Payload() request: CatalogProto.SearchProductsRequest,
    @Caller() caller: CallerIdentity,
  ): Promise<CatalogProto.SearchProductsResponse> {
    const filter = {
      ...request,
      q: request.query,
      attribute: attributePairs(request.attributes),
      limit: pageLimit(request.pageSize),
      cursor: request.pageToken,
    };
    const page = valueOrThrow(await this.useCase.execute(caller, filter, productMessage));
    return { products: [...page.items], nextPageToken: page.nextCursor ?? '' };
  }
}
