import { type HttpReply, IdempotencyKey, valueOrThrow } from '@gravity/http';
import { instantOf, moneyOf, Operation } from '@gravity/service';
import { Body, Controller, Inject, Post, Res, UseGuards } from '@nestjs/common';
import { SANDBOX_CONFIG, type SandboxConfig } from '../../sandbox-config';
import { ServerKeyGuard } from '../../server-key.guard';
import { CreatedIntentView, intentView } from '../intent.view';
import { CreateIntentBody } from './create-intent.dto';
import { CreateIntent } from './create-intent.use-case';

@Controller('payments-sandbox/v1/intents')
export class CreateIntentHttp {
  constructor(
    private readonly createIntent: CreateIntent,
    @Inject(SANDBOX_CONFIG) private readonly config: SandboxConfig,
  ) {}

  @Post()
  @Operation({
    id: 'createIntent',
    summary: 'Announce a payment',
    publicBecause: 'checked by the provider key',
    tags: ['payments-sandbox'],
    problems: ['unauthenticated', 'idempotency-key-reused'],
    idempotent: true,
    lane: 'fast',
    status: 201,
    response: CreatedIntentView,
  })
  @UseGuards(ServerKeyGuard)
  async handle(
    @IdempotencyKey() idempotencyKey: string,
    @Body() body: CreateIntentBody,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<CreatedIntentView> {
    const created = valueOrThrow(
      await this.createIntent.execute({
        orderId: body.orderId,
        amount: moneyOf(body.amount),
        expiresAtMs: instantOf(body.expiresAt),
        description: body.description,
        idempotencyKey,
      }),
    );
    if (!created.isNew) reply.header('idempotent-replayed', 'true');
    return { ...intentView(created.intent, this.config.publicUrl), clientSecret: created.clientSecret };
  }
}
