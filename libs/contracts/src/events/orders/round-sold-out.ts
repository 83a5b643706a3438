import { roundBase, roundRequired } from './round-part';

/** Every unit of a round is held or sold. Units may come back: see reopened. */
export const roundSoldOut = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: [...roundRequired],
  properties: { ...roundBase },
} as const;
