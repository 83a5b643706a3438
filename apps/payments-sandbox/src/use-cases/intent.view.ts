// An intent on the wire.
import { moneyToJson, toRfc3339 } from '@gravity/kernel';
import {
  CountField,
  EnumField,
  Field,
  MoneyView,
  MoneyViewField,
  ObjectField,
  TextViewField,
  TimeField,
} from '@gravity/service';
import { type Intent, INTENT_MACHINE, type IntentStatus } from '../domain/intent';
import { CHARGE_ID, INTENT_ID, REFERENCE_MAX, URL_MAX } from '../sandbox-values';

export class PaidView {
  @MoneyViewField({ description: 'What was charged, which `tok_wrong_amount` makes differ from the intent.' })
  amount: MoneyView;

  @Field(CHARGE_ID) chargeId: string;
  @TimeField() at: string;
}

export class IntentView {
  @Field(INTENT_ID, { example: 'pi_01935f0e7b7c7d0e8e1c2a9f4b6d8c10' }) intentId: string;
  @TextViewField({ max: REFERENCE_MAX }) orderId: string;
  @MoneyViewField() amount: MoneyView;
  @EnumField(INTENT_MACHINE.states) status: IntentStatus;
  @TimeField() expiresAt: string;

  @TextViewField({
    max: URL_MAX,
    description: 'Where the buyer’s app confirms: a URL, or a path on the origin that was called.',
  })
  payUrl: string;

  @ObjectField(PaidView, { optional: true }) paid?: PaidView;
  @CountField({ description: 'Sum of the refunds in minor units.' }) refundedAmount: number;
}

/** The first answer about an intent is the only one with its client secret. */
export class CreatedIntentView extends IntentView {
  @TextViewField({ max: 64, description: 'Lets the buyer’s app confirm this intent.' }) clientSecret: string;
}

/** The public form of an intent. */
export function intentView(intent: Intent, publicUrl: string): IntentView {
  const { paid } = intent;
  return {
    intentId: intent.intentId,
    orderId: intent.orderId,
    amount: moneyToJson(intent.amount),
    status: intent.status,
    expiresAt: toRfc3339(intent.expiresAtMs),
    payUrl: `${publicUrl}/payments-sandbox/v1/intents/${intent.intentId}/confirmation`,
    refundedAmount: Number(intent.refundedMinor),
    ...(paid ? { paid: { amount: moneyToJson(paid.amount), chargeId: paid.chargeId, at: toRfc3339(paid.atMs) } } : {}),
  };
}
