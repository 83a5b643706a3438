import { paymentId, time } from '../parts';
import { orderBase, orderRequired } from './order-part';

/** A payment came after the order had closed, and a fresh unit was found for it: the order is paid after all. */
export const orderLatePaymentHonoured = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: [...orderRequired, 'paidAt', 'paymentId', 'honouredAt'],
  properties: { ...orderBase, paidAt: time, paymentId, honouredAt: time },
} as const;
