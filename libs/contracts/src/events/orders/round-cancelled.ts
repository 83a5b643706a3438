import { roundBase, roundRequired, stopReason } from './round-part';

/** A round will not take place. */
export const roundCancelled = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: [...roundRequired, 'reason'],
  properties: { ...roundBase, reason: stopReason },
} as const;
