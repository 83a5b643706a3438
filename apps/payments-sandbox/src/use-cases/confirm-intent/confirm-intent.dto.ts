import { EnumField, Field } from '@gravity/service';
import { INTENT_MACHINE, type IntentStatus } from '../../domain/intent';
import { INTENT_ID, PAYMENT_TOKEN } from '../../sandbox-values';

export class ConfirmIntentBody {
  @Field(PAYMENT_TOKEN, { example: 'tok_approve', description: 'Chooses what happens; the README lists the tokens.' })
  token: string;
}

export class ConfirmedIntentView {
  @Field(INTENT_ID) intentId: string;
  @EnumField(INTENT_MACHINE.states) status: IntentStatus;
}
