import { Caller, type CallerIdentity, type HttpReply, IdempotencyKey, Operation } from '@gravity/http';
import { Body, Controller, Inject, Param, Post, Res } from '@nestjs/common';
import { Commands } from '../../commands';
import { writeReply } from '../../reply';
import { ProductView } from '../../views.dto';
import { AddSkusBody } from './add-skus.dto';
import { AddSkus } from './add-skus.use-case';

@Controller('catalog/v1/products/:productId/skus')
export class AddSkusHttp {
  constructor(
    @Inject(Commands) private readonly commands: Commands,
    @Inject(AddSkus) private readonly useCase: AddSkus,
  ) {}

  @Post()
  @Operation({
    id: 'addSkus',
    callers: ['operator', 'merchant'],
    summary: 'Add SKUs to a product; they are listed when the product is',
    tags: ['catalogue'],
    problems: ['not-found', 'duplicate-sku'],
    idempotent: true,
    status: 201,
    response: ProductView,
  })
  async handle(
    @Caller() caller: CallerIdentity,
    @IdempotencyKey() key: string,
    @Param('productId') productId: string,
    @Body() body: AddSkusBody,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<ProductView> {
    const command = { caller, operation: 'addSkus', key, request: { productId, body }, status: 201 };
    const result = await this.commands.run(command, (tx) => this.useCase.execute(tx, caller, productId, body));
    return writeReply(reply, result);
  }
}
