import { ListQuery } from '@gravity/http';
import { EnumField, IdField, TextField } from '@gravity/service';
import { ORDER_STATUSES, type OrderStatus } from '../../domain/order';
import { BUYER_ID_MAX } from '../../limits';

export class ListOrdersQuery extends ListQuery {
  @TextField({ max: BUYER_ID_MAX, optional: true, description: 'Only orders of this buyer; a buyer sees no others' })
  buyerId?: string;

  @IdField('merchant', { optional: true, description: 'Only orders of this merchant; a merchant sees no others' })
  merchantId?: string;

  @IdField('round', { optional: true, description: 'Only orders of this round' })
  roundId?: string;

  @EnumField(ORDER_STATUSES, { optional: true })
  status?: OrderStatus;
}
