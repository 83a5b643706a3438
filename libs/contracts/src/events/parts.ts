// Parts shared by event schemas. Schemas are closed (`additionalProperties: false`): writers are checked against them,
// and the types are made from them. Readers use the opened form (registry.ts), so a newer writer may add fields.

const id = <P extends string>(prefix: P, description: string) =>
  ({ type: 'string', pattern: `^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`, description }) as const;

export const merchantId = id('mer', 'The merchant that sells');
export const shopId = id('shp', 'The shop of the merchant');
export const productId = id('prd', 'The product');
export const skuId = id('sku', 'The stock keeping unit');
export const priceVersionId = id('prc', 'The version of the price; a version never changes');
export const seriesId = id('ser', 'The flash-sale series');
export const roundId = id('rnd', 'The round of the series');
export const itemId = id('itm', 'The item on sale in the round');
export const orderId = id('ord', 'The order');
export const paymentId = id('pay', 'The payment');
export const refundId = id('rfd', 'The refund');

export const sequence = {
  type: 'integer',
  minimum: 1,
  description: 'Position of the event in the history of its aggregate: 1, 2, 3, … without gaps',
} as const;

export const time = { type: 'string', format: 'date-time', description: 'RFC 3339, UTC, milliseconds' } as const;

export const text = { type: 'string', minLength: 1, maxLength: 500 } as const;

export const units = { type: 'integer', minimum: 0, description: 'A count of units' } as const;

/** A price or a total: whole minor units, never negative. The list of currencies is checked against the kernel's. */
export const price = {
  type: 'object',
  additionalProperties: false,
  required: ['amount', 'currency'],
  properties: {
    amount: { type: 'integer', minimum: 0, maximum: 9007199254740991, description: 'Minor units (fen, cents)' },
    currency: { type: 'string', enum: ['CNY', 'USD', 'EUR', 'HKD', 'SGD', 'JPY'], description: 'ISO 4217' },
  },
} as const;

/** Names and values such as `{"colour": "red", "size": "500 ml"}`. */
export const attributes = {
  type: 'object',
  additionalProperties: { type: 'string' },
  description: 'Attribute names and their values',
} as const;
