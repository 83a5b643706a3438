// Products over REST.
import { Caller, type CallerIdentity, type Page, valueOrThrow } from '@gravity/http';
import { mapOk } from '@gravity/kernel';
import { IdParam, Operation, transactional, type Write } from '@gravity/service';
import { Body, Controller, Delete, Get, Post, Put, Query } from '@nestjs/common';
import { FIND_PRODUCTS, GET_PRODUCT } from './products.operations';
import { AddSkusBody, CreateProductBody, FindProductsQuery } from './products.dto';
import { ProductsService } from './products.service';
import { ProductListView, ProductView, productView } from './products.views';

const tags = ['catalogue'];

@Controller('catalog/v1/products')
export class ProductsController {
  constructor(private readonly products: ProductsService) {}

  @Post()
  @Operation({
    id: 'createProduct',
    callers: ['operator', 'merchant'],
    summary: 'Create a product with its SKUs; it is not listed yet',
    tags,
    problems: ['not-found', 'duplicate-sku'],
    idempotent: true,
    audit: true,
    status: 201,
    response: ProductView,
  })
  create(@Caller() caller: CallerIdentity, @Body() body: CreateProductBody): Write<ProductView> {
    return transactional(body, async (tx) => mapOk(await this.products.create(tx, caller, body), productView));
  }

  @Post(':productId/skus')
  @Operation({
    id: 'addSkus',
    callers: ['operator', 'merchant'],
    summary: 'Add SKUs to a product; they are listed when the product is',
    tags,
    problems: ['not-found', 'duplicate-sku'],
    idempotent: true,
    audit: true,
    status: 201,
    response: ProductView,
  })
  addSkus(
    @Caller() caller: CallerIdentity,
    @IdParam('product') productId: string,
    @Body() body: AddSkusBody,
  ): Write<ProductView> {
    return transactional({ productId, body }, async (tx) =>
      mapOk(await this.products.addSkus(tx, caller, productId, body), productView),
    );
  }

  @Put(':productId/listing')
  @Operation({
    id: 'listProduct',
    callers: ['operator', 'merchant'],
    summary: 'List a product with all its SKUs',
    tags,
    problems: ['not-found', 'not-sellable'],
    ifMatch: true,
    audit: true,
    status: 200,
    response: ProductView,
  })
  list(@Caller() caller: CallerIdentity, @IdParam('product') productId: string): Write<ProductView> {
    return this.setListed(caller, productId, true);
  }

  @Delete(':productId/listing')
  @Operation({
    id: 'delistProduct',
    callers: ['operator', 'merchant'],
    summary: 'Delist a product with all its SKUs',
    tags,
    problems: ['not-found'],
    ifMatch: true,
    audit: true,
    status: 200,
    response: ProductView,
  })
  delist(@Caller() caller: CallerIdentity, @IdParam('product') productId: string): Write<ProductView> {
    return this.setListed(caller, productId, false);
  }

  @Get()
  @Operation({ ...FIND_PRODUCTS, tags, problems: ['invalid-cursor'], response: ProductListView })
  async find(@Caller() caller: CallerIdentity, @Query() query: FindProductsQuery): Promise<Page<ProductView>> {
    return valueOrThrow(await this.products.find(caller, query, productView));
  }

  @Get(':productId')
  @Operation({ ...GET_PRODUCT, tags, problems: ['not-found'], response: ProductView })
  async get(@Caller() caller: CallerIdentity, @IdParam('product') productId: string): Promise<ProductView> {
    return productView(valueOrThrow(await this.products.get(caller, productId)));
  }

  private setListed(caller: CallerIdentity, productId: string, listed: boolean): Write<ProductView> {
    return transactional({ productId, listed }, async (tx, ifMatch) =>
      mapOk(await this.products.setListed(tx, caller, ifMatch, productId, listed), productView),
    );
  }
}
