import { Caller, type CallerIdentity, type HttpReply, IdempotencyKey, Operation } from '@gravity/http';
import { Body, Controller, Inject, Post, Res } from '@nestjs/common';
import { Commands } from '../../commands';
import { writeReply } from '../../reply';
import { ShopView } from '../../views.dto';
import { OpenShopBody } from './open-shop.dto';
import { OpenShop } from './open-shop.use-case';

@Controller('catalog/v1/shops')
export class OpenShopHttp {
  constructor(
    @Inject(Commands) private readonly commands: Commands,
    @Inject(OpenShop) private readonly useCase: OpenShop,
  ) {}

  @Post()
  @Operation({
    id: 'openShop',
    callers: ['operator', 'merchant'],
    summary: 'Open a shop of a merchant',
    tags: ['catalogue'],
    problems: ['not-found'],
    idempotent: true,
    status: 201,
    response: ShopView,
  })
  async handle(
    @Caller() caller: CallerIdentity,
    @IdempotencyKey() key: string,
    @Body() body: OpenShopBody,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<ShopView> {
    const command = { caller, operation: 'openShop', key, request: body, status: 201 };
    return writeReply(reply, await this.commands.run(command, (tx) => this.useCase.execute(tx, caller, body)));
  }
}
