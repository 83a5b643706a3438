import { Caller, type CallerIdentity, type HttpReply, IdempotencyKey, IfMatch, Operation } from '@gravity/http';
import { Controller, Put, Inject, Param, Res } from '@nestjs/common';
import { Commands } from '../../commands';
import { writeReply } from '../../reply';
import { ProductView } from '../../views.dto';
import { ListProduct } from './list-product.use-case';

@Controller('catalog/v1/products/:productId/listing')
export class ListProductHttp {
  constructor(
    @Inject(Commands) private readonly commands: Commands,
    @Inject(ListProduct) private readonly useCase: ListProduct,
  ) {}

  @Put()
  @Operation({
    id: 'listProduct',
    callers: ['operator', 'merchant'],
    summary: 'List a product with all its SKUs',
    tags: ['catalogue'],
    problems: ['not-found', 'not-sellable'],
    idempotent: true,
    ifMatch: true,
    status: 200,
    response: ProductView,
  })
  async handle(
    @Caller() caller: CallerIdentity,
    @IdempotencyKey() key: string,
    @IfMatch() version: number,
    @Param('productId') productId: string,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<ProductView> {
    const command = { caller, operation: 'listProduct', key, request: { productId, version }, status: 200 };
    const result = await this.commands.run(command, (tx) => this.useCase.execute(tx, caller, productId, version));
    return writeReply(reply, result);
  }
}
