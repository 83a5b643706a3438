import { paymentId, price, refundId, time } from '../parts';
import { orderBase, orderRequired } from './order-part';

/** The provider confirmed a refund. */
export const orderRefunded = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: [...orderRequired, 'refundId', 'paymentId', 'amount', 'refundedAt'],
  properties: { ...orderBase, refundId, paymentId, amount: price, refundedAt: time },
} as const;
