// Money goes back to the buyer, once per Idempotency-Key and never more than was paid.
import { type Problem, refuse } from '@gravity/contracts';
import { type Clock, type Money, type Result, ok } from '@gravity/kernel';
import { CLOCK } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { refund } from '../../domain/intent';
import { newSandboxId, requestHash } from '../../sandbox-ids';
import { IntentRepository, type StoredRefund } from '../../storage/intent.repository';
import { changeIntent } from '../change-intent';
import { CallbackDispatcher } from '../deliver-callbacks/callback-dispatcher';

export interface CreateRefundCommand {
  readonly intentId: string;
  /** The charge that paid the intent; another one is refused. */
  readonly chargeId?: string | undefined;
  readonly amount: Money;
  readonly idempotencyKey: string;
}

@Injectable()
export class CreateRefund {
  constructor(
    private readonly intents: IntentRepository,
    private readonly dispatcher: CallbackDispatcher,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The refund of this key. Refusals: `not-found`, `idempotency-key-reused`, `invalid-transition`, `invalid-request`. */
  async execute(command: CreateRefundCommand): Promise<Result<StoredRefund & { isNew: boolean }, Problem>> {
    const { intentId, amount, idempotencyKey } = command;
    const hash = requestHash(intentId, command.chargeId ?? '', amount.minor.toString(), amount.currency);
    const created: StoredRefund = { refundId: newSandboxId('re'), intentId, amount, requestHash: hash };
    let known: StoredRefund | undefined;
    const result = await changeIntent(this.intents, this.clock, intentId, async ({ intent }, nowMs, tx) => {
      // Looked up by a statement of its own after the lock: it sees the refunds that were made while this one waited.
      known = await this.intents.findRefund(tx, idempotencyKey);
      if (known !== undefined) return ok({});
      const decided = refund(intent, { amount, refundId: created.refundId, nowMs });
      if (!decided.ok) return refusal(decided.error);
      if (command.chargeId !== undefined && command.chargeId !== intent.paid?.chargeId) {
        return refuse('invalid-request', 'Another charge paid this intent.', {
          errors: [{ pointer: '/chargeId', message: 'not the charge' }],
        });
      }
      return ok({ change: decided.value, along: { refund: { ...created, idempotencyKey } } });
    });
    if (!result.ok) return result;
    if (known === undefined) {
      this.dispatcher.wake();
      return ok({ ...created, isNew: true });
    }
    if (known.requestHash !== hash)
      return refuse('idempotency-key-reused', 'This Idempotency-Key made another refund. Use a new key.');
    return ok({ ...known, isNew: false });
  }
}

function refusal(reason: 'not-paid' | 'wrong-currency' | 'more-than-paid'): Result<never, Problem> {
  switch (reason) {
    case 'not-paid':
      return refuse('invalid-transition', 'The payment intent is not paid, so there is nothing to refund.');
    case 'more-than-paid':
      return refuse('invalid-transition', 'All refunds together must not exceed what was paid.');
    case 'wrong-currency':
      return refuse('invalid-request', 'A refund has the currency of the payment.', {
        errors: [{ pointer: '/amount/currency', message: 'not the currency of the payment' }],
      });
  }
}
