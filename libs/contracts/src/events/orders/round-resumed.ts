import { roundBase, roundRequired } from './round-part';

/** A stopped round is on sale again. */
export const roundResumed = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: [...roundRequired],
  properties: { ...roundBase },
} as const;
