import { units } from '../parts';
import { itemBase, roundBase, roundRequired } from './round-part';

/** A second chance: units of a sold-out round came back and are on sale again. */
export const roundReopened = {
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
        required: ['itemId', 'skuId', 'units'],
        properties: { ...itemBase, units },
      },
    },
  },
} as const;
