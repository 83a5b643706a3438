import { IdField, MoneyView, MoneyViewField, TextViewField, TimeField } from '@gravity/service';

/** The payment of an order, for the buyer's app. */
export class PaymentIntentView {
  @IdField('payment', { description: "The payment, as it is named in the order's events" }) paymentId: string;
  @IdField('order') orderId: string;
  @TextViewField({ max: 64, example: 'sandbox' }) provider: string;
  @TextViewField({ max: 200, description: "The provider's id of the intent" }) intentId: string;
  @TextViewField({ max: 2_048, description: 'Where the app pays' }) payUrl: string;
  @TextViewField({ max: 500, optional: true, description: 'Lets the app pay this intent and nothing else' })
  clientSecret?: string;
  @MoneyViewField() amount: MoneyView;
  @TimeField({ description: 'The provider takes no payment after that' }) expiresAt: string;
}
