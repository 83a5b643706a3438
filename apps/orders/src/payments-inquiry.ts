// Asks the provider before an unpaid order is closed, and cancels its intent, which the buyer might still pay.
import { Inject, Injectable, Logger } from '@nestjs/common';
import pMap from 'p-map';
import type { ProviderAnswer } from './domain/order';
import type { Charge } from './order-changes';
import { type IntentState, PAYMENT_PROVIDER, type PaymentProvider } from './payments/payment-provider';

/** Cancellations under way at once. */
const CANCELLATIONS_IN_FLIGHT_MAX = 16;

/** The provider's answer about one intent. */
export interface Inquiry {
  readonly answer: Exclude<ProviderAnswer, 'no-intent'>;
  /** The state to store with the order, for an intent that is not paid. */
  readonly intentStatus?: 'CANCELLED' | 'DECLINED' | 'PENDING';
  /** Present when paid. */
  readonly charge?: Charge;
}

const UNKNOWN: Inquiry = { answer: 'unknown' };

@Injectable()
export class PaymentsInquiry {
  private readonly logger = new Logger('payments-inquiry');

  constructor(@Inject(PAYMENT_PROVIDER) private readonly provider: PaymentProvider) {}

  /** The states of the intents; never throws. An intent without an answer is `unknown`. */
  async ask(intentIds: readonly string[]): Promise<ReadonlyMap<string, Inquiry>> {
    try {
      const states = await this.provider.queryIntents(intentIds);
      return new Map(intentIds.map((intentId) => [intentId, inquiryOf(intentId, states.get(intentId))]));
    } catch (error) {
      this.logger.warn(`the provider does not tell about ${intentIds.length} intents: ${String(error)}`);
      return new Map(intentIds.map((intentId) => [intentId, UNKNOWN]));
    }
  }

  /** Asks, and cancels the intents that are not paid: after that the buyer cannot pay them. */
  async shut(intentIds: readonly string[]): Promise<ReadonlyMap<string, Inquiry>> {
    const found = new Map(await this.ask(intentIds));
    const open = intentIds.filter(
      (id) => found.get(id)?.answer === 'unpaid' && found.get(id)?.intentStatus !== 'CANCELLED',
    );
    const cancel = async (intentId: string): Promise<unknown> => found.set(intentId, await this.cancel(intentId));
    await pMap(open, cancel, { concurrency: CANCELLATIONS_IN_FLIGHT_MAX });
    return found;
  }

  /** Cancels one intent: `unpaid` only when the provider confirms the cancellation. */
  async cancel(intentId: string): Promise<Inquiry> {
    try {
      const inquiry = inquiryOf(intentId, await this.provider.cancelIntent(intentId));
      return inquiry.answer === 'unpaid' && inquiry.intentStatus !== 'CANCELLED' ? UNKNOWN : inquiry;
    } catch (error) {
      this.logger.warn(`the provider does not cancel ${intentId}: ${String(error)}`);
      return UNKNOWN;
    }
  }
}

function inquiryOf(intentId: string, state: IntentState | undefined): Inquiry {
  switch (state?.status) {
    case undefined:
      return UNKNOWN;
    case 'PAID': {
      const { chargeId, paidAmount } = state;
      if (chargeId === undefined || paidAmount === undefined) return UNKNOWN;
      return { answer: 'paid', charge: { intentId, chargeId, amount: paidAmount } };
    }
    case 'PENDING':
    case 'DECLINED':
    case 'CANCELLED':
      return { answer: 'unpaid', intentStatus: state.status };
    // The provider does not know it, so it cannot be paid.
    case 'UNKNOWN':
      return { answer: 'unpaid', intentStatus: 'CANCELLED' };
  }
}
