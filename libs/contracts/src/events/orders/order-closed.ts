import { time } from '../parts';
import { orderBase, orderRequired } from './order-part';

/** An order ended without a sale; its units are released. */
export const orderClosed = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: [...orderRequired, 'closedAt', 'reason'],
  properties: {
    ...orderBase,
    closedAt: time,
    reason: {
      type: 'string',
      enum: ['EXPIRED', 'CANCELLED_BY_BUYER', 'DISCREPANCY'],
      description: 'EXPIRED: not paid in time. DISCREPANCY: the provider took another amount than the order has.',
    },
  },
} as const;
