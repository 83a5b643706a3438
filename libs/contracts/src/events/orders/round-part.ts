// What every round event carries, and the shapes its item lists share.
import { itemId, roundId, sequence, seriesId, skuId, time } from '../parts';

export const roundBase = { sequence, roundId, seriesId, occurredAt: time } as const;
export const roundRequired = ['sequence', 'roundId', 'seriesId', 'occurredAt'] as const;

export const itemBase = { itemId, skuId } as const;

export const stopReason = {
  type: 'string',
  minLength: 1,
  maxLength: 500,
  description: 'Why, in words for people',
} as const;
