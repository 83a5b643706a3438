import { time } from '../parts';
import { roundBase, roundRequired } from './round-part';

/** The gate of a round was filled from Postgres and waits for the opening time. */
export const roundWarmed = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: [...roundRequired, 'opensAt', 'closesAt'],
  properties: { ...roundBase, opensAt: time, closesAt: time },
} as const;
