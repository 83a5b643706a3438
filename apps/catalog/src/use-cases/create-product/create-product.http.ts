import { Caller, type CallerIdentity, type HttpReply, IdempotencyKey, Operation } from '@gravity/http';
import { Body, Controller, Inject, Post, Res } from '@nestjs/common';
import { Commands } from '../../commands';
import { writeReply } from '../../reply';
import { ProductView } from '../../views.dto';
import { CreateProductBody } from './create-product.dto';
import { CreateProduct } from './create-product.use-case';

@Controller('catalog/v1/products')
export class CreateProductHttp {
  constructor(
    @Inject(Commands) private readonly commands: Commands,
    @Inject(CreateProduct) private readonly useCase: CreateProduct,
  ) {}

  @Post()
  @Operation({
    id: 'createProduct',
    callers: ['operator', 'merchant'],
    summary: 'Create a product with its SKUs; it is not listed yet',
    tags: ['catalogue'],
    problems: ['not-found', 'duplicate-sku'],
    idempotent: true,
    status: 201,
    response: ProductView,
  })
  async handle(
    @Caller() caller: CallerIdentity,
    @IdempotencyKey() key: string,
    @Body() body: CreateProductBody,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<ProductView> {
    const command = { caller, operation: 'createProduct', key, request: body, status: 201 };
    return writeReply(reply, await this.commands.run(command, (tx) => this.useCase.execute(tx, caller, body)));
  }
}
