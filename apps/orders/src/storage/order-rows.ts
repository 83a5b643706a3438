// Rows of orders and the order they stand for: the one place that knows how the columns are read.
import { type Money, assert, isCurrency, money } from '@gravity/kernel';
import type { CloseReason, Order, OrderLine, OrderMoney, OrderStatus } from '../domain/order';

/** The provider in use, as it is stored beside its ids and named in the callback's path. */
export const PROVIDER_NAME = 'sandbox';

export interface StoredIntent {
  readonly intentId: string;
  readonly provider: string;
  readonly payUrl: string;
  readonly clientSecret?: string;
  readonly status: 'PENDING' | 'PAID' | 'DECLINED' | 'CANCELLED';
  readonly chargeId?: string;
}

export interface StoredRefund {
  readonly refundId: string;
  readonly intentId: string;
  readonly chargeId: string;
  readonly amount: Money;
  readonly status: 'REQUESTED' | 'SUCCEEDED';
}

/** An order with everything a decision about it needs, read under its lock. */
export interface LoadedOrder extends Order {
  readonly claimId: string;
  readonly winLimit?: number;
  readonly checkAttempts: number;
  readonly intent?: StoredIntent;
  readonly refunds: readonly StoredRefund[];
  readonly lateDecision?: 'HONOURED' | 'REFUNDED';
  /** The transaction's time by Postgres' clock, milliseconds. */
  readonly nowMs: number;
}

export interface OrderRow {
  order_id: string;
  claim_id: string;
  status: OrderStatus;
  series_id: string;
  round_id: string;
  item_id: string;
  buyer_id: string;
  merchant_id: string;
  shop_id: string;
  quantity: number;
  total_minor: string;
  currency: string;
  placed_ms: number;
  expires_ms: number;
  paid_ms: number | null;
  closed_ms: number | null;
  close_reason: CloseReason | null;
  sequence: number;
  lines: readonly LineJson[] | null;
}

interface LineJson {
  sku_id: string;
  title: string;
  quantity: number;
  unit_price: string;
  price_version_id: string | null;
}

export interface LoadedRow extends OrderRow {
  win_limit: number | null;
  check_attempts: number;
  intent:
    (Omit<StoredIntent, 'clientSecret' | 'chargeId'> & { clientSecret: string | null; chargeId: string | null }) | null;
  refunds: readonly (Omit<StoredRefund, 'amount'> & { minor: string; currency: string })[] | null;
  late_decision: 'HONOURED' | 'REFUNDED' | null;
  now_ms: number;
}

const ms = (column: string, name: string): string => `(extract(epoch from ${column}) * 1000)::float8 as ${name}`;

/** The columns of an {@link OrderRow}; the table is called \`o\`. */
export const ORDER_COLUMNS = `
  o.order_id, o.claim_id, o.status, o.series_id, o.round_id, o.item_id, o.buyer_id, o.merchant_id, o.shop_id, o.quantity,
  o.total_minor::text, o.currency, ${ms('o.placed_at', 'placed_ms')}, ${ms('o.expires_at', 'expires_ms')},
  ${ms('o.paid_at', 'paid_ms')}, ${ms('o.closed_at', 'closed_ms')}, o.close_reason, o.sequence,
  (select json_agg(json_build_object('sku_id', l.sku_id, 'title', l.title, 'quantity', l.quantity,
     'unit_price', l.unit_price_minor::text, 'price_version_id', l.price_version_id) order by l.line_number)
   from order_lines l where l.order_id = o.order_id) as lines`;

/** The further columns of a {@link LoadedRow}. */
export const LOADED_COLUMNS = `${ORDER_COLUMNS}, o.check_attempts,
  (select r.win_limit from rounds r where r.round_id = o.round_id) as win_limit,
  (select json_build_object('intentId', i.intent_id, 'provider', i.provider, 'payUrl', i.pay_url, 'status', i.status,
     'clientSecret', i.client_secret, 'chargeId', i.charge_id)
   from payment_intents i where i.order_id = o.order_id) as intent,
  (select json_agg(json_build_object('refundId', f.refund_id, 'intentId', f.intent_id, 'chargeId', f.charge_id,
     'minor', f.amount_minor::text, 'currency', f.currency, 'status', f.status) order by f.created_at, f.refund_id)
   from refunds f where f.order_id = o.order_id) as refunds,
  (select p.decision from late_payments p where p.order_id = o.order_id) as late_decision,
  ${ms('now()', 'now_ms')}`;

/** The order in a row. */
export function orderFromRow(row: OrderRow): Order {
  return {
    orderId: row.order_id,
    status: row.status,
    seriesId: row.series_id,
    roundId: row.round_id,
    itemId: row.item_id,
    buyerId: row.buyer_id,
    merchantId: row.merchant_id,
    shopId: row.shop_id,
    quantity: row.quantity,
    lines: (row.lines ?? []).map((line) => lineFromJson(line, row.currency)),
    total: storedMoney(row.total_minor, row.currency),
    placedAtMs: Math.round(row.placed_ms),
    expiresAtMs: Math.round(row.expires_ms),
    ...(row.paid_ms === null ? {} : { paidAtMs: Math.round(row.paid_ms) }),
    ...(row.closed_ms === null ? {} : { closedAtMs: Math.round(row.closed_ms) }),
    ...(row.close_reason === null ? {} : { closeReason: row.close_reason }),
    sequence: row.sequence,
  };
}

/** The order in a row that was read under its lock. */
export function loadedFromRow(row: LoadedRow): LoadedOrder {
  return {
    ...orderFromRow(row),
    claimId: row.claim_id,
    ...(row.win_limit === null ? {} : { winLimit: row.win_limit }),
    checkAttempts: row.check_attempts,
    ...(row.intent === null ? {} : { intent: intentFromJson(row.intent) }),
    refunds: (row.refunds ?? []).map(({ minor, currency, ...refund }) => ({
      ...refund,
      amount: storedMoney(minor, currency),
    })),
    ...(row.late_decision === null ? {} : { lateDecision: row.late_decision }),
    nowMs: Math.round(row.now_ms),
  };
}

/** The facts for decisions about payments. */
export function moneyOf(order: LoadedOrder): OrderMoney {
  return {
    status: order.status,
    total: order.total,
    ...(order.intent?.chargeId === undefined ? {} : { chargeId: order.intent.chargeId }),
    refundedCharges: new Set(order.refunds.map((refund) => refund.chargeId)),
  };
}

/** An amount as it is stored. Throws for a currency that Gravity does not know: the database would be wrong. */
export function storedMoney(minor: string, currency: string): Money {
  assert(isCurrency(currency), `stored currency ${currency}`);
  return money(BigInt(minor), currency);
}

function lineFromJson(line: LineJson, currency: string): OrderLine {
  return {
    skuId: line.sku_id,
    title: line.title,
    quantity: line.quantity,
    unitPrice: storedMoney(line.unit_price, currency),
    ...(line.price_version_id === null ? {} : { priceVersionId: line.price_version_id }),
  };
}

function intentFromJson(intent: NonNullable<LoadedRow['intent']>): StoredIntent {
  const { clientSecret, chargeId, ...rest } = intent;
  return {
    ...rest,
    ...(clientSecret === null ? {} : { clientSecret }),
    ...(chargeId === null ? {} : { chargeId }),
  };
}
