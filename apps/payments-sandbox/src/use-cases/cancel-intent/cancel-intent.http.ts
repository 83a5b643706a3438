import { valueOrThrow } from '@gravity/http';
import { Operation, PathParam } from '@gravity/service';
import { Controller, Inject, Post, UseGuards } from '@nestjs/common';
import { SANDBOX_CONFIG, type SandboxConfig } from '../../sandbox-config';
import { INTENT_ID } from '../../sandbox-values';
import { ServerKeyGuard } from '../../server-key.guard';
import { IntentView, intentView } from '../intent.view';
import { CancelIntent } from './cancel-intent.use-case';

@Controller('payments-sandbox/v1/intents')
export class CancelIntentHttp {
  constructor(
    private readonly cancelIntent: CancelIntent,
    @Inject(SANDBOX_CONFIG) private readonly config: SandboxConfig,
  ) {}

  @Post(':intentId/cancellation')
  @Operation({
    id: 'cancelIntent',
    summary: 'Close an intent for its buyer; tells its state afterwards',
    publicBecause: 'checked by the provider key',
    tags: ['payments-sandbox'],
    problems: ['unauthenticated', 'not-found'],
    status: 200,
    response: IntentView,
  })
  @UseGuards(ServerKeyGuard)
  async handle(@PathParam('intentId', INTENT_ID) intentId: string): Promise<IntentView> {
    return intentView(valueOrThrow(await this.cancelIntent.execute(intentId)), this.config.publicUrl);
  }
}
