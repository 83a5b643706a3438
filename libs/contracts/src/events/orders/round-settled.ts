import { units } from '../parts';
import { itemBase, roundBase, roundRequired } from './round-part';

/** The final count of a round: no unit is held. */
export const roundSettled = {
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
        required: ['itemId', 'skuId', 'quota', 'sold', 'writtenOff', 'carriedOver'],
        properties: {
          ...itemBase,
          quota: units,
          sold: units,
          writtenOff: units,
          carriedOver: { ...units, description: 'Units that go on sale in the next round' },
        },
      },
    },
  },
} as const;
