// What callers see of an intent.
import { type Currency, type Money, money, moneyToJson, toRfc3339 } from '@gravity/kernel';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { type Intent, INTENT_MACHINE, type IntentStatus } from '../domain/intent';
import { MoneyDto } from './money.dto';

export class PaidView {
  @ApiProperty({
    type: MoneyDto,
    description: 'What was charged, which `tok_wrong_amount` makes differ from the intent.',
  })
  amount: MoneyDto;

  @ApiProperty()
  chargeId: string;

  @ApiProperty({ format: 'date-time' })
  at: string;
}

export class IntentView {
  @ApiProperty({ example: 'pi_01935f0e7b7c7d0e8e1c2a9f4b6d8c10' })
  intentId: string;

  @ApiProperty()
  orderId: string;

  @ApiProperty({ type: MoneyDto })
  amount: MoneyDto;

  @ApiProperty({ enum: INTENT_MACHINE.states })
  status: IntentStatus;

  @ApiProperty({ format: 'date-time' })
  expiresAt: string;

  @ApiProperty({ description: 'Where the buyer’s app confirms: a URL, or a path on the origin that was called.' })
  payUrl: string;

  @ApiPropertyOptional({ type: PaidView })
  paid?: PaidView;

  @ApiProperty({ type: 'integer', description: 'Sum of the refunds in minor units.' })
  refundedAmount: number;
}

/** The first answer about an intent is the only one with its client secret. */
export class CreatedIntentView extends IntentView {
  @ApiProperty({ description: 'Lets the buyer’s app confirm this intent.' })
  clientSecret: string;
}

/** Amounts on the wire. */
export function moneyView(amount: Money): MoneyDto {
  return { ...moneyToJson(amount) };
}

/** An amount from the wire. */
export function moneyOf(dto: { amount: number; currency: Currency }): Money {
  return money(dto.amount, dto.currency);
}

/** The public form of an intent. */
export function intentView(intent: Intent, publicUrl: string): IntentView {
  const { paid } = intent;
  return {
    intentId: intent.intentId,
    orderId: intent.orderId,
    amount: moneyView(intent.amount),
    status: intent.status,
    expiresAt: toRfc3339(intent.expiresAtMs),
    payUrl: `${publicUrl}/payments-sandbox/v1/intents/${intent.intentId}/confirmation`,
    refundedAmount: Number(intent.refundedMinor),
    ...(paid ? { paid: { amount: moneyView(paid.amount), chargeId: paid.chargeId, at: toRfc3339(paid.atMs) } } : {}),
  };
}
