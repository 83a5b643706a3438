import { price, time, units } from '../parts';
import { itemBase, roundBase, roundRequired } from './round-part';

/** An operator approved a round: it opens at its time without a further command. */
export const roundApproved = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: [...roundRequired, 'opensAt', 'closesAt', 'items'],
  properties: {
    ...roundBase,
    opensAt: time,
    closesAt: time,
    items: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['itemId', 'skuId', 'quota', 'price'],
        properties: { ...itemBase, quota: units, price },
      },
    },
  },
} as const;
