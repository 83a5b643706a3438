import { merchantId, sequence, shopId, text, time } from '../parts';

/** A merchant opened a shop. */
export const shopOpened = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: ['sequence', 'shopId', 'merchantId', 'name', 'occurredAt'],
  properties: { sequence, shopId, merchantId, name: text, occurredAt: time },
} as const;
