// The sandbox provider's JSON, checked while it is read: an answer of another shape is an outage, not a crash later on.
import { type Problem, refuse } from '@gravity/contracts';
import { type Money, type Result, isCurrency, money, ok } from '@gravity/kernel';
import type { CreatedIntent, CreatedRefund, IntentState, IntentStatus, ProviderEvent } from './payment-provider';

type JsonObject = Readonly<Record<string, unknown>>;

const STATUSES: Readonly<Record<string, IntentStatus>> = {
  PENDING: 'PENDING',
  // Confirmed, but the money has not moved: not paid so far.
  PROCESSING: 'PENDING',
  PAID: 'PAID',
  DECLINED: 'DECLINED',
  CANCELLED: 'CANCELLED',
};

/** A document that breaks the protocol. */
export class MalformedAnswer extends Error {
  override readonly name = 'MalformedAnswer';
}

/** The body of an answer about one intent, as the answer to its creation. */
export function readCreatedIntent(body: unknown, providerUrl: string): CreatedIntent {
  const intent = object(body);
  return {
    intentId: text(intent['intentId']),
    payUrl: new URL(text(intent['payUrl']), providerUrl).toString(),
    clientSecret: text(intent['clientSecret']),
    status: status(intent['status']),
  };
}

/** The body of an answer about one intent, as its state. */
export function readIntentState(body: unknown): IntentState {
  const intent = object(body);
  const paid = intent['paid'];
  if (paid === undefined || paid === null) return { status: status(intent['status']) };
  const details = object(paid);
  return {
    status: status(intent['status']),
    paidAmount: amount(details['amount']),
    paidAtMs: instant(details['at']),
    chargeId: text(details['chargeId']),
  };
}

/** The body of an answer to a query of several. */
export function readIntentStates(body: unknown): Map<string, IntentState> {
  const items = object(body)['items'];
  if (!Array.isArray(items)) throw new MalformedAnswer('items is not a list');
  return new Map(items.map((item: unknown) => [text(object(item)['intentId']), readIntentState(item)]));
}

/** The body of an answer to a refund. */
export function readRefund(body: unknown): CreatedRefund {
  const refund = object(body);
  const state = text(refund['status']);
  if (state !== 'PENDING' && state !== 'SUCCEEDED' && state !== 'FAILED') throw new MalformedAnswer(`status ${state}`);
  return { refundId: text(refund['refundId']), status: state };
}

/** A callback's body. Its sender is known by now; `invalid-request` means that the two sides differ about the protocol. */
export function readEvent(eventId: string, rawBody: Buffer): Result<ProviderEvent, Problem> {
  try {
    const event = object(JSON.parse(rawBody.toString('utf8')));
    const data = object(event['data']);
    const type = text(event['type']);
    if (type !== 'payment.succeeded' && type !== 'payment.failed' && type !== 'refund.succeeded') {
      throw new MalformedAnswer(`unknown type ${type.slice(0, 64)}`);
    }
    return ok({
      eventId,
      type,
      intentId: text(data['intentId']),
      orderId: text(data['orderId']),
      amount: amount(data['amount']),
      chargeId: text(data['chargeId']),
      ...(type === 'refund.succeeded' ? { refundId: text(data['refundId']) } : {}),
      occurredAtMs: instant(event['timestamp']),
    });
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof MalformedAnswer)) throw error;
    return refuse('invalid-request', `The callback is signed but not understood: ${error.message}.`);
  }
}

function object(value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new MalformedAnswer('not an object');
  return value as JsonObject;
}

function text(value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.length > 2_048) throw new MalformedAnswer('a text is missing');
  // Postgres stores neither in a text: an insert would fail each time that the provider repeats the callback.
  if (value.includes('\u0000') || /\p{Surrogate}/u.test(value))
    throw new MalformedAnswer('a text has no place in a database');
  return value;
}

function status(value: unknown): IntentStatus {
  const known = Object.hasOwn(STATUSES, text(value)) ? STATUSES[text(value)] : undefined;
  if (known === undefined) throw new MalformedAnswer('unknown status');
  return known;
}

function amount(value: unknown): Money {
  const { amount: minor, currency } = object(value);
  // A negative charge would be refunded as one.
  if (!Number.isSafeInteger(minor) || (minor as number) < 0 || typeof currency !== 'string' || !isCurrency(currency)) {
    throw new MalformedAnswer('not an amount');
  }
  return money(minor as number, currency);
}

function instant(value: unknown): number {
  const ms = Date.parse(text(value));
  if (!Number.isFinite(ms)) throw new MalformedAnswer('not a time');
  return ms;
}
