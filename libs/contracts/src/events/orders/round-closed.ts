import { units } from '../parts';
import { itemBase, roundBase, roundRequired } from './round-part';

/** A round takes no more claims. Held units may still be paid or released. */
export const roundClosed = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: [...roundRequired, 'items'],
  properties: {
    ...roundBase,
    items: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['itemId', 'skuId', 'quota', 'sold', 'held', 'available'],
        properties: { ...itemBase, quota: units, sold: units, held: units, available: units },
      },
    },
  },
} as const;
