import { EnumField, Field, MoneyView, MoneyViewField, PositiveTotalBody, TotalField } from '@gravity/service';
import { ASKED_INTENT_ID, CHARGE_ID, INTENT_ID, REFUND_ID } from '../../sandbox-values';

export class CreateRefundBody {
  @Field(ASKED_INTENT_ID)
  intentId: string;

  @Field(CHARGE_ID, { optional: true, description: 'The charge that paid the intent.' })
  chargeId?: string;

  @TotalField()
  amount: PositiveTotalBody;
}

export class RefundView {
  @Field(REFUND_ID) refundId: string;
  @Field(INTENT_ID) intentId: string;
  @MoneyViewField() amount: MoneyView;
  @EnumField(['SUCCEEDED']) status: 'SUCCEEDED';
}
