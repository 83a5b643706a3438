import { CountField, EnumField, Field, FlagField, ListField, TextViewField, TimeField } from '@gravity/service';
import { ASKED_INTENT_ID } from '../../sandbox-values';

/** Deliveries shown of one intent. */
export const LOG_ENTRIES_MAX = 100;

export class ReadDeliveriesQuery {
  @Field(ASKED_INTENT_ID)
  intentId: string;
}

export class DeliveryView {
  @TextViewField({ max: 20 }) deliveryId: string;
  @TextViewField({ max: 100, description: 'The webhook-id: the same for every delivery of one event.' })
  eventId: string;
  @EnumField(['payment.succeeded', 'payment.failed', 'refund.succeeded']) type: string;
  @EnumField(['PENDING', 'DELIVERED', 'ABANDONED']) status: string;
  @CountField() attempts: number;
  @TimeField({ optional: true, description: 'The next attempt, while PENDING.' }) dueAt?: string;
  @CountField({ optional: true }) lastHttpStatus?: number;
  @TextViewField({ max: 500, optional: true }) lastError?: string;
  @TimeField() createdAt: string;
  @TimeField({ optional: true }) deliveredAt?: string;
}

export class DeliveryListView {
  @ListField(DeliveryView, { max: LOG_ENTRIES_MAX }) items: DeliveryView[];
  @FlagField() hasMore: boolean;
}
