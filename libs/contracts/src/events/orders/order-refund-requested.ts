import { paymentId, price, refundId, time } from '../parts';
import { orderBase, orderRequired } from './order-part';

/** Money that was taken goes back: the provider has been told, or will be. */
export const orderRefundRequested = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: [...orderRequired, 'refundId', 'paymentId', 'amount', 'reason', 'requestedAt'],
  properties: {
    ...orderBase,
    refundId,
    paymentId,
    amount: price,
    reason: { type: 'string', enum: ['LATE_PAYMENT', 'DISCREPANCY', 'DUPLICATE_PAYMENT'] },
    requestedAt: time,
  },
} as const;
