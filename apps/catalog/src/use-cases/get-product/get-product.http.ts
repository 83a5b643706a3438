import { Caller, type CallerIdentity, type HttpReply, Operation, valueOrThrow } from '@gravity/http';
import { ok } from '@gravity/kernel';
import { Controller, Get, Inject, Param, Res } from '@nestjs/common';
import { readReply } from '../../reply';
import { productView } from '../../views';
import { ProductView } from '../../views.dto';
import { GetProduct } from './get-product.use-case';

@Controller('catalog/v1/products/:productId')
export class GetProductHttp {
  constructor(@Inject(GetProduct) private readonly useCase: GetProduct) {}

  @Get()
  @Operation({
    id: 'getProduct',
    callers: ['buyer', 'merchant', 'anchor', 'operator', 'service'],
    summary: 'One product with its SKUs',
    tags: ['catalogue'],
    problems: ['not-found'],
    response: ProductView,
  })
  async handle(
    @Caller() caller: CallerIdentity,
    @Param('productId') productId: string,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<ProductView> {
    const { product, skus } = valueOrThrow(await this.useCase.execute(caller, productId));
    return readReply(reply, ok(productView(product, skus)));
  }
}
