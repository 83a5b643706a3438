// Products and SKUs over gRPC: reads. A message is checked as the query of the same operation over REST.
import type { CatalogProto } from '@gravity/contracts';
import { Caller, type CallerIdentity, invalidRequest, validateDto, valueOrThrow } from '@gravity/http';
import { idOf, Operation } from '@gravity/service';
import { Controller, type Type } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { FIND_PRODUCTS, FIND_SKUS, GET_PRODUCT, GET_SKU } from './products.operations';
import { FindProductsQuery, FindSkusQuery } from './products.dto';
import { productMessage, skuMessage } from './products.messages';
import { ProductsService } from './products.service';

@Controller()
export class ProductsGrpc {
  constructor(private readonly products: ProductsService) {}

  @GrpcMethod('CatalogService', 'GetProduct')
  @Operation(GET_PRODUCT)
  async getProduct(
    @Payload() request: CatalogProto.GetProductRequest,
    @Caller() caller: CallerIdentity,
  ): Promise<CatalogProto.GetProductResponse> {
    const product = await this.products.get(caller, idOf('product', request.productId));
    return { product: productMessage(valueOrThrow(product)) };
  }

  @GrpcMethod('CatalogService', 'GetSku')
  @Operation(GET_SKU)
  async getSku(
    @Payload() request: CatalogProto.GetSkuRequest,
    @Caller() caller: CallerIdentity,
  ): Promise<CatalogProto.GetSkuResponse> {
    return { sku: skuMessage(valueOrThrow(await this.products.getSku(caller, idOf('sku', request.skuId)))) };
  }

  @GrpcMethod('CatalogService', 'ListSkus')
  @Operation(FIND_SKUS)
  async listSkus(
    @Payload() request: CatalogProto.ListSkusRequest,
    @Caller() caller: CallerIdentity,
  ): Promise<CatalogProto.ListSkusResponse> {
    const query = queryOf(FindSkusQuery, { ...filters(request), productId: request.productId });
    const page = valueOrThrow(await this.products.findSkus(caller, query, skuMessage));
    return { skus: [...page.items], nextPageToken: page.nextCursor ?? '' };
  }

  @GrpcMethod('CatalogService', 'SearchProducts')
  @Operation(FIND_PRODUCTS)
  async searchProducts(
    @Payload() request: CatalogProto.SearchProductsRequest,
    @Caller() caller: CallerIdentity,
  ): Promise<CatalogProto.SearchProductsResponse> {
    const query = queryOf(FindProductsQuery, { ...filters(request), q: request.query });
    const page = valueOrThrow(await this.products.find(caller, query, productMessage));
    return { products: [...page.items], nextPageToken: page.nextCursor ?? '' };
  }
}

function filters(request: CatalogProto.ListSkusRequest | CatalogProto.SearchProductsRequest): Record<string, unknown> {
  const pairs = Object.entries(request.attributes ?? {});
  // The pair would be read as another one.
  if (pairs.some(([name]) => name.includes(':'))) throw invalidRequest([], 'Attribute names have no colon.');
  return {
    shopId: request.shopId,
    merchantId: request.merchantId,
    listed: request.listed,
    attribute: pairs.map(([name, value]) => `${name}:${value}`),
    cursor: request.pageToken,
    // Zero is the default.
    limit: request.pageSize === 0 ? undefined : request.pageSize,
  };
}

/** The message as the query of the operation; empty texts do not filter. */
function queryOf<T extends object>(type: Type<T>, message: Record<string, unknown>): T {
  const given = Object.entries(message).filter(([, value]) => value !== '' && value !== undefined && value !== null);
  const checked = validateDto(type, Object.fromEntries(given));
  if (!checked.ok) throw invalidRequest(checked.error);
  return checked.value;
}
