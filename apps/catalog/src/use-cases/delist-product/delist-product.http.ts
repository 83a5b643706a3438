import { Caller, type CallerIdentity, type HttpReply, IdempotencyKey, IfMatch, Operation } from '@gravity/http';
import { Controller, Delete, Inject, Param, Res } from '@nestjs/common';
import { Commands } from '../../commands';
import { writeReply } from '../../reply';
import { ProductView } from '../../views.dto';
import { DelistProduct } from './delist-product.use-case';

@Controller('catalog/v1/products/:productId/listing')
export class DelistProductHttp {
  constructor(
    @Inject(Commands) private readonly commands: Commands,
    @Inject(DelistProduct) private readonly useCase: DelistProduct,
  ) {}

  @Delete()
  @Operation({
    id: 'delistProduct',
    callers: ['operator', 'merchant'],
    summary: 'Delist a product with all its SKUs',
    tags: ['catalogue'],
    problems: ['not-found'],
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
    const command = { caller, operation: 'delistProduct', key, request: { productId, version }, status: 200 };
    const result = await this.commands.run(command, (tx) => this.useCase.execute(tx, caller, productId, version));
    return writeReply(reply, result);
  }
}
