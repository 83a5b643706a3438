// The catalogue of events: every type that Gravity publishes, with its topic, key and schema. A published type keeps
// its meaning. A change that would break a reader is a new version (`.v2`) beside the old one.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { FromSchema } from 'json-schema-to-ts';
import { merchantRegistered } from './catalog/merchant-registered';
import { productCreated } from './catalog/product-created';
import { shopOpened } from './catalog/shop-opened';
import { skuAdded } from './catalog/sku-added';
import { skuDelisted } from './catalog/sku-delisted';
import { skuListed } from './catalog/sku-listed';
import { skuPriced } from './catalog/sku-priced';
import { orderClosed } from './orders/order-closed';
import { orderLatePaymentHonoured } from './orders/order-late-payment-honoured';
import { orderPaid } from './orders/order-paid';
import { orderPlaced } from './orders/order-placed';
import { orderRefundRequested } from './orders/order-refund-requested';
import { orderRefunded } from './orders/order-refunded';
import { roundApproved } from './orders/round-approved';
import { roundCancelled } from './orders/round-cancelled';
import { roundClosed } from './orders/round-closed';
import { roundOpened } from './orders/round-opened';
import { roundReopened } from './orders/round-reopened';
import { roundResumed } from './orders/round-resumed';
import { roundSettled } from './orders/round-settled';
import { roundSoldOut } from './orders/round-sold-out';
import { roundStopped } from './orders/round-stopped';
import { roundWarmed } from './orders/round-warmed';

const merchant = { topic: 'catalog.merchant', aggregate: 'merchant', key: 'merchantId' } as const;
const shop = { topic: 'catalog.shop', aggregate: 'shop', key: 'shopId' } as const;
const product = { topic: 'catalog.product', aggregate: 'product', key: 'productId' } as const;
const sku = { topic: 'catalog.sku', aggregate: 'sku', key: 'skuId' } as const;
const round = { topic: 'orders.round', aggregate: 'round', key: 'roundId' } as const;
const order = { topic: 'orders.order', aggregate: 'order', key: 'orderId' } as const;

/** Every event type. `key` names the payload field that holds the aggregate's id, which is the Kafka message key. */
export const EVENTS = {
  'catalog.merchant.registered.v1': {
    ...merchant,
    schema: merchantRegistered,
    description: 'A merchant may open shops from now on.',
  },
  'catalog.shop.opened.v1': { ...shop, schema: shopOpened, description: 'A merchant opened a shop.' },
  'catalog.product.created.v1': {
    ...product,
    schema: productCreated,
    description: 'A product was created; its SKUs follow as events of their own.',
  },
  'catalog.sku.added.v1': {
    ...sku,
    schema: skuAdded,
    description: 'A SKU was added to a product, with its first price.',
  },
  'catalog.sku.priced.v1': { ...sku, schema: skuPriced, description: 'A SKU got a new price version.' },
  'catalog.sku.listed.v1': { ...sku, schema: skuListed, description: 'A SKU may be sold from now on.' },
  'catalog.sku.delisted.v1': { ...sku, schema: skuDelisted, description: 'A SKU may no longer be sold.' },
  'orders.round.approved.v1': { ...round, schema: roundApproved, description: 'A round will open at its time.' },
  'orders.round.warmed.v1': { ...round, schema: roundWarmed, description: 'The gate of a round is filled.' },
  'orders.round.opened.v1': { ...round, schema: roundOpened, description: 'A round is on sale.' },
  'orders.round.sold-out.v1': { ...round, schema: roundSoldOut, description: 'Every unit of a round is held or sold.' },
  'orders.round.reopened.v1': {
    ...round,
    schema: roundReopened,
    description: 'A second chance: units of a sold-out round are on sale again.',
  },
  'orders.round.closed.v1': { ...round, schema: roundClosed, description: 'A round takes no more claims.' },
  'orders.round.settled.v1': { ...round, schema: roundSettled, description: 'The final count of a round.' },
  'orders.round.cancelled.v1': { ...round, schema: roundCancelled, description: 'A round will not take place.' },
  'orders.round.stopped.v1': { ...round, schema: roundStopped, description: 'The sale of a round was stopped.' },
  'orders.round.resumed.v1': { ...round, schema: roundResumed, description: 'A stopped round is on sale again.' },
  'orders.order.placed.v1': {
    ...order,
    schema: orderPlaced,
    description: 'An order awaits payment until it expires; its units are held.',
  },
  'orders.order.paid.v1': {
    ...order,
    schema: orderPaid,
    description: 'An order was paid in time; its units are sold.',
  },
  'orders.order.closed.v1': {
    ...order,
    schema: orderClosed,
    description: 'An order ended without a sale; its units are released.',
  },
  'orders.order.late-payment-honoured.v1': {
    ...order,
    schema: orderLatePaymentHonoured,
    description: 'A late payment found a fresh unit: the order is paid after all.',
  },
  'orders.order.refund-requested.v1': {
    ...order,
    schema: orderRefundRequested,
    description: 'Money that was taken goes back to the buyer.',
  },
  'orders.order.refunded.v1': { ...order, schema: orderRefunded, description: 'The provider confirmed a refund.' },
} as const;

export type EventType = keyof typeof EVENTS;

/** The payload of an event of this type. */
export type EventPayload<T extends EventType> = FromSchema<(typeof EVENTS)[T]['schema']>;

/**
 * The side that validates: a `writer` adds nothing to the schema; a `reader` accepts fields that a newer writer added.
 */
export type EventSide = 'writer' | 'reader';

const ajv = new Ajv2020({ strict: true, allErrors: false });
addFormats(ajv);
const compiled = new Map<string, ValidateFunction>();

/** True when the text names an event of the catalogue. */
export function isEventType(type: string): type is EventType {
  return Object.hasOwn(EVENTS, type);
}

/**
 * Checks a payload against the schema of its type. Undefined when it matches, otherwise the fault in one line. An
 * unknown type is a fault.
 */
export function validateEvent(type: string, payload: unknown, side: EventSide = 'reader'): string | undefined {
  if (!isEventType(type)) return `${type} is not an event of the catalogue`;
  const validate = validatorOf(type, side);
  return validate(payload) ? undefined : ajv.errorsText(validate.errors, { dataVar: 'payload' });
}

/** Every topic of the catalogue, without a prefix, each once. */
export const EVENT_TOPICS: readonly string[] = [...new Set(Object.values(EVENTS).map((event) => event.topic))];

/** The schema as readers apply it: objects that are closed for writers accept further members. */
export function readerSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(readerSchema);
  if (typeof schema !== 'object' || schema === null) return schema;
  const members = Object.entries(schema).filter(([name, value]) => name !== 'additionalProperties' || value !== false);
  return Object.fromEntries(members.map(([name, value]) => [name, readerSchema(value)]));
}

function validatorOf(type: EventType, side: EventSide): ValidateFunction {
  const name = `${side} ${type}`;
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const schema = EVENTS[type].schema;
  const validate = ajv.compile((side === 'writer' ? schema : readerSchema(schema)) as object);
  compiled.set(name, validate);
  return validate;
}
