// What every order event carries: the order as it was placed. Consumers need no other source for who, what and how
// much.
import {
  itemId,
  merchantId,
  orderId,
  price,
  priceVersionId,
  roundId,
  sequence,
  seriesId,
  shopId,
  skuId,
  text,
  time,
} from '../parts';

export const orderBase = {
  sequence,
  orderId,
  buyerId: { ...text, description: "The buyer, as the token's subject" },
  merchantId,
  shopId,
  seriesId: { ...seriesId, description: 'The series, for an order won in a flash sale' },
  roundId: { ...roundId, description: 'The round, for an order won in a flash sale' },
  itemId: { ...itemId, description: 'The item of the round, for an order won in a flash sale' },
  lines: {
    type: 'array',
    minItems: 1,
    maxItems: 100,
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['skuId', 'quantity', 'unitPrice', 'priceVersionId', 'title'],
      properties: {
        skuId,
        quantity: { type: 'integer', minimum: 1 },
        unitPrice: price,
        priceVersionId,
        title: { ...text, description: 'The title as it was when the order was placed' },
      },
    },
  },
  total: price,
  placedAt: time,
} as const;

export const orderRequired = [
  'sequence',
  'orderId',
  'buyerId',
  'merchantId',
  'shopId',
  'lines',
  'total',
  'placedAt',
] as const;
