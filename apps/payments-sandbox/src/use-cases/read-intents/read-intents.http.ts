// Reading has no use case of its own: it is the repository and a view.
import { ProblemError } from '@gravity/contracts';
import { Operation, PathParam } from '@gravity/service';
import { Body, Controller, Get, Inject, Post, UseGuards } from '@nestjs/common';
import { SANDBOX_CONFIG, type SandboxConfig } from '../../sandbox-config';
import { INTENT_ID } from '../../sandbox-values';
import { ServerKeyGuard } from '../../server-key.guard';
import { IntentRepository } from '../../storage/intent.repository';
import { IntentView, intentView } from '../intent.view';
import { IntentListView, QueryIntentsBody } from './read-intents.dto';

@Controller('payments-sandbox/v1')
export class ReadIntentsHttp {
  constructor(
    private readonly intents: IntentRepository,
    @Inject(SANDBOX_CONFIG) private readonly config: SandboxConfig,
  ) {}

  @Get('intents/:intentId')
  @Operation({
    id: 'readIntent',
    summary: 'Read one intent',
    publicBecause: 'checked by the provider key',
    tags: ['payments-sandbox'],
    problems: ['unauthenticated', 'not-found'],
    response: IntentView,
  })
  @UseGuards(ServerKeyGuard)
  async readOne(@PathParam('intentId', INTENT_ID) intentId: string): Promise<IntentView> {
    const stored = await this.intents.find(intentId);
    if (stored === undefined) throw new ProblemError({ code: 'not-found', detail: 'There is no such payment intent.' });
    return intentView(stored.intent, this.config.publicUrl);
  }

  @Post('intent-queries')
  @Operation({
    id: 'queryIntents',
    summary: 'Read many intents at once',
    publicBecause: 'checked by the provider key',
    tags: ['payments-sandbox'],
    problems: ['unauthenticated'],
    status: 200,
    response: IntentListView,
  })
  @UseGuards(ServerKeyGuard)
  async readMany(@Body() body: QueryIntentsBody): Promise<IntentListView> {
    const found = await this.intents.findMany(body.intentIds);
    return { items: found.map(({ intent }) => intentView(intent, this.config.publicUrl)), hasMore: false };
  }
}
