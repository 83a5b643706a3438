import { Caller, type CallerIdentity, type HttpReply, IdempotencyKey, Operation } from '@gravity/http';
import { Body, Controller, Inject, Post, Res } from '@nestjs/common';
import { Commands } from '../../commands';
import { writeReply } from '../../reply';
import { MerchantView } from '../../views.dto';
import { RegisterMerchantBody } from './register-merchant.dto';
import { RegisterMerchant } from './register-merchant.use-case';

@Controller('catalog/v1/merchants')
export class RegisterMerchantHttp {
  constructor(
    @Inject(Commands) private readonly commands: Commands,
    @Inject(RegisterMerchant) private readonly useCase: RegisterMerchant,
  ) {}

  @Post()
  @Operation({
    id: 'registerMerchant',
    callers: ['operator'],
    summary: 'Admit a merchant',
    tags: ['catalogue'],
    idempotent: true,
    status: 201,
    response: MerchantView,
  })
  async handle(
    @Caller() caller: CallerIdentity,
    @IdempotencyKey() key: string,
    @Body() body: RegisterMerchantBody,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<MerchantView> {
    const command = { caller, operation: 'registerMerchant', key, request: body, status: 201 };
    return writeReply(reply, await this.commands.run(command, (tx) => this.useCase.execute(tx, body)));
  }
}
