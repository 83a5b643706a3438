// The merchant's server closes an intent, so that the buyer cannot pay a closed order. Repeating it changes nothing.
import type { Problem } from '@gravity/contracts';
import { type Clock, type Result, ok } from '@gravity/kernel';
import { CLOCK } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { type Intent, cancel } from '../../domain/intent';
import { IntentRepository } from '../../storage/intent.repository';
import { changeIntent } from '../change-intent';

@Injectable()
export class CancelIntent {
  constructor(
    private readonly intents: IntentRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The intent afterwards: PAID when the payment was faster. Refusals: `not-found`. */
  async execute(intentId: string): Promise<Result<Intent, Problem>> {
    return changeIntent(this.intents, this.clock, intentId, ({ intent }) => {
      const change = cancel(intent);
      return ok(change === undefined ? {} : { change });
    });
  }
}
