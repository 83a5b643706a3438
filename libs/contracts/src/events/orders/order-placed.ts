import { time } from '../parts';
import { orderBase, orderRequired } from './order-part';

/** A buyer has an order that awaits payment until it expires. The units are held. */
export const orderPlaced = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: [...orderRequired, 'expiresAt'],
  properties: { ...orderBase, expiresAt: time },
} as const;
