import { paymentId, time } from '../parts';
import { orderBase, orderRequired } from './order-part';

/** An order was paid in time; its units are sold. */
export const orderPaid = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: [...orderRequired, 'paidAt', 'paymentId'],
  properties: { ...orderBase, paidAt: time, paymentId },
} as const;
