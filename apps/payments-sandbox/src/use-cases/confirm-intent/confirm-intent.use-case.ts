// The buyer pays, with the intent's client secret and a token that chooses what happens.
import { type Problem, refuse } from '@gravity/contracts';
import { type Clock, type Result, ok } from '@gravity/kernel';
import { CLOCK } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { type Intent, confirm } from '../../domain/intent';
import { planFor } from '../../domain/payment-plan';
import { newSandboxId, sameSecret } from '../../sandbox-ids';
import { IntentRepository } from '../../storage/intent.repository';
import { changeIntent } from '../change-intent';
import { CallbackDispatcher } from '../deliver-callbacks/callback-dispatcher';

@Injectable()
export class ConfirmIntent {
  constructor(
    private readonly intents: IntentRepository,
    private readonly dispatcher: CallbackDispatcher,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * The intent after the attempt; DECLINED is a result, not a refusal. Refusals: `not-found` (also for a wrong secret),
   * `invalid-request` (unknown token), `order-not-payable`, `outcome-unknown` (on demand, with the payment made).
   */
  async execute(intentId: string, clientSecret: string, token: string): Promise<Result<Intent, Problem>> {
    const chargeId = newSandboxId('ch');
    let answerIsLost = false;
    const result = await changeIntent(
      this.intents,
      this.clock,
      intentId,
      ({ intent, clientSecret: expected }, nowMs) => {
        if (!sameSecret(clientSecret, expected)) return refuse('not-found', `There is no payment intent ${intentId}.`);
        const plan = planFor(token, intent.amount.minor);
        if (plan === undefined) return unknownToken();
        const confirmed = confirm(intent, plan, { nowMs, chargeId });
        if (!confirmed.ok) return refuse('order-not-payable', `The payment intent is ${confirmed.error}.`);
        if (confirmed.value === undefined) return ok({});
        answerIsLost = plan.answer === 'unknown';
        return ok({ change: confirmed.value });
      },
    );
    this.dispatcher.wake();
    if (result.ok && answerIsLost)
      return refuse('outcome-unknown', 'The bank did not answer in time. Ask for the state of the intent.');
    return result;
  }
}

function unknownToken(): Result<never, Problem> {
  return refuse('invalid-request', 'The sandbox does not know this payment token.', {
    errors: [{ pointer: '/token', message: 'not a token of the sandbox; its README lists them' }],
  });
}
