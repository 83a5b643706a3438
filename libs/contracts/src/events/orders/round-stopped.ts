import { roundBase, roundRequired, stopReason } from './round-part';

/** The sale of a round was stopped, by an operator or by the conservation check. */
export const roundStopped = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: [...roundRequired, 'reason'],
  properties: { ...roundBase, reason: stopReason },
} as const;
