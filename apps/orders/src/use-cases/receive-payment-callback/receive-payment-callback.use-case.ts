// Receives the provider's callbacks. They gather while a transaction is under way and are settled together by the next
// one. The provider gets success only after the commit, and repeats a callback without an answer or with a 5xx.
import type { Problem } from '@gravity/contracts';
import { refuse } from '@gravity/contracts';
import { type Result, ok, uuidFromId } from '@gravity/kernel';
import { GroupCommit, QueueFullError } from '@gravity/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { GateUnavailable } from '../../gate/gate-connection';
import {
  type CallbackHeaders,
  PAYMENT_PROVIDER,
  type PaymentProvider,
  type ProviderEvent,
} from '../../payments/payment-provider';
import { PROVIDER_NAME } from '../../storage/order-rows';
import { type PaymentFact, PaymentSettler } from './payment-settler';
import type { SettleOutcome } from './settle-outcome';

const BATCH_MAX = 200;
const QUEUE_MAX = 5_000;

const KINDS = { 'payment.succeeded': 'succeeded', 'payment.failed': 'failed', 'refund.succeeded': 'refunded' } as const;

@Injectable()
export class ReceivePaymentCallback {
  private readonly batches: GroupCommit<PaymentFact, SettleOutcome | 'late'>;

  constructor(
    @Inject(PAYMENT_PROVIDER) private readonly provider: PaymentProvider,
    private readonly settler: PaymentSettler,
  ) {
    this.batches = new GroupCommit({
      name: 'payment-callbacks',
      batchMax: BATCH_MAX,
      queueMax: QUEUE_MAX,
      idempotent: true,
      execute: (facts) => this.settler.settleBatch(facts),
    });
  }

  /** Settles one callback. Throws when the database does not answer: the provider must repeat it then. */
  async execute(provider: string, headers: CallbackHeaders, rawBody: Buffer): Promise<Result<SettleOutcome, Problem>> {
    if (provider !== PROVIDER_NAME) return refuse('not-found', 'There is no such payment provider.');
    const event = this.provider.verifyCallback(headers, rawBody);
    if (!event.ok) return event;
    const fact = factOf(event.value);
    try {
      const outcome = await this.batches.submit(fact);
      return ok(outcome === 'late' ? await this.settler.settleLate(fact) : outcome);
    } catch (error) {
      if (error instanceof QueueFullError)
        return refuse('overloaded', 'Too many callbacks are waiting.', { retryAfterSeconds: 1 });
      if (error instanceof GateUnavailable)
        return refuse('unavailable', 'The gate does not answer.', { retryAfterSeconds: 1 });
      throw error;
    }
  }

  /** Resolves when every callback accepted so far is settled. */
  drain(): Promise<void> {
    return this.batches.drain();
  }
}

function factOf(event: ProviderEvent): PaymentFact {
  return {
    kind: KINDS[event.type],
    orderId: uuidFromId('order', event.orderId),
    charge: { intentId: event.intentId, chargeId: event.chargeId, amount: event.amount },
    ...(event.refundId === undefined ? {} : { providerRefundId: event.refundId }),
    event: { provider: PROVIDER_NAME, eventId: event.eventId, type: event.type },
  };
}
