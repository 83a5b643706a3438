import { merchantId, sequence, text, time } from '../parts';

/** A merchant may open shops from now on. */
export const merchantRegistered = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: ['sequence', 'merchantId', 'name', 'occurredAt'],
  properties: { sequence, merchantId, name: text, occurredAt: time },
} as const;
