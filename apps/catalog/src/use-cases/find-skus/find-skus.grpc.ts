import type { CatalogProto } from '@gravity/contracts';
import { Caller, type CallerIdentity, Operation, valueOrThrow } from '@gravity/http';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { attributePairs, pageLimit, skuMessage } from '../../grpc-messages';
import { FindSkus } from './find-skus.use-case';

@Controller()
export class FindSkusGrpc {
  constructor(@Inject(FindSkus) private readonly useCase: FindSkus) {}

  @GrpcMethod('CatalogService', 'ListSkus')
  @Operation({
    id: 'findSkus',
    callers: ['buyer', 'merchant', 'anchor', 'operator', 'service'],
    summary: 'SKUs, newest first',
  })
  async handle(
    @Payload() request: CatalogProto.ListSkusRequest,
    @Caller() caller: CallerIdentity,
  ): Promise<CatalogProto.ListSkusResponse> {
    const filter = {
      ...request,
      attribute: attributePairs(request.attributes),
      limit: pageLimit(request.pageSize),
      cursor: request.pageToken,
    };
    const page = valueOrThrow(await this.useCase.execute(caller, filter, skuMessage));
    return { skus: [...page.items], nextPageToken: page.nextCursor ?? '' };
  }
}
