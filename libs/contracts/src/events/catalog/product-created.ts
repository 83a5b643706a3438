import { attributes, merchantId, productId, sequence, shopId, text, time } from '../parts';

/** A product was created in a shop; its SKUs follow as events of their own. */
export const productCreated = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: ['sequence', 'productId', 'shopId', 'merchantId', 'title', 'description', 'attributes', 'occurredAt'],
  properties: {
    sequence,
    productId,
    shopId,
    merchantId,
    title: text,
    description: { type: 'string', maxLength: 5000 },
    attributes,
    occurredAt: time,
  },
} as const;
