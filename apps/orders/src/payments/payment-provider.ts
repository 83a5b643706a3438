// The port to the payment provider. Orders knows this file only; an adapter speaks one provider's protocol. Every
// command is idempotent, so the answer to an outage is always the same: ask again with the same key.
import { type Problem, ProblemError } from '@gravity/contracts';
import type { Money, Result } from '@gravity/kernel';

/** DI token of the {@link PaymentProvider} in use. */
export const PAYMENT_PROVIDER = Symbol('PaymentProvider');

/** Intents of one {@link PaymentProvider.queryIntents} call. */
export const QUERIED_INTENTS_MAX = 1_000;

/**
 * PENDING: not paid so far (a payment may be under way). DECLINED: the last attempt failed, another may follow.
 * CANCELLED: closed for the buyer. UNKNOWN: the provider has no such intent.
 */
export type IntentStatus = 'PENDING' | 'PAID' | 'DECLINED' | 'CANCELLED' | 'UNKNOWN';

export interface IntentState {
  readonly status: IntentStatus;
  /** The charged amount. It may differ from the amount of the intent: compare them. Present when PAID. */
  readonly paidAmount?: Money;
  readonly paidAtMs?: number;
  readonly chargeId?: string;
}

export interface CreateIntent {
  readonly orderId: string;
  readonly amount: Money;
  /** Same key, same intent. Derive it from the order, so a repeat after a crash finds the first one. */
  readonly idempotencyKey: string;
  /** The provider refuses the buyer's payment from this instant on. */
  readonly expiresAtMs: number;
  readonly description: string;
}

export interface CreatedIntent {
  readonly intentId: string;
  /** URL at which the buyer's app pays. */
  readonly payUrl: string;
  /** Lets the buyer's app pay this intent and nothing else. Give it to the order's buyer only. */
  readonly clientSecret?: string;
  readonly status: IntentStatus;
}

export interface RefundPayment {
  readonly intentId: string;
  readonly chargeId?: string;
  readonly amount: Money;
  /** Same key, same refund: money goes back once. */
  readonly idempotencyKey: string;
}

export interface CreatedRefund {
  readonly refundId: string;
  readonly status: 'PENDING' | 'SUCCEEDED' | 'FAILED';
}

/** A fact from a callback whose signature was checked. */
export interface ProviderEvent {
  /** The same for every delivery of one event: the key to deduplicate by. */
  readonly eventId: string;
  readonly type: 'payment.succeeded' | 'payment.failed' | 'refund.succeeded';
  readonly intentId: string;
  readonly orderId: string;
  readonly amount: Money;
  readonly chargeId: string;
  /** Present on refund.succeeded. */
  readonly refundId?: string;
  readonly occurredAtMs: number;
}

/** Header names in lower case, as Node gives them. */
export type CallbackHeaders = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Commands throw {@link ProviderUnavailable} when the provider does not answer (the command may still have happened) and
 * {@link ProviderRefusal} when it says no.
 */
export interface PaymentProvider {
  createIntent(request: CreateIntent): Promise<CreatedIntent>;
  /** The state of each intent, with an entry for every id asked. At most {@link QUERIED_INTENTS_MAX}. */
  queryIntents(intentIds: readonly string[]): Promise<ReadonlyMap<string, IntentState>>;
  /** Closes the intent for the buyer and tells its state afterwards: PAID when the payment was faster. */
  cancelIntent(intentId: string): Promise<IntentState>;
  refund(request: RefundPayment): Promise<CreatedRefund>;
  /**
   * Checks the sender of a callback and reads it. Refusals: `signature-invalid`, `payload-too-large`,
   * `invalid-request`.
   */
  verifyCallback(headers: CallbackHeaders, rawBody: Buffer): Result<ProviderEvent, Problem>;
  /** Closes connections. */
  close(): Promise<void>;
}

/**
 * The provider did not answer usefully within the deadline and the retries. With `sent` the command may have been carried
 * out: only a query or a repeat with the same key tells. Reaches a caller as `payment-provider-unavailable`.
 */
export class ProviderUnavailable extends ProblemError {
  constructor(
    operation: string,
    readonly sent: boolean,
    retryAfterSeconds: number,
    options?: ErrorOptions,
  ) {
    const detail = `The payment provider did not answer ${operation}. Try again with the same key.`;
    super({ code: 'payment-provider-unavailable', detail, retryAfterSeconds }, options);
  }
}

/** The provider understood the command and refused it. It is a bug or a fact to handle, never a reason to repeat. */
export class ProviderRefusal extends Error {
  override readonly name = 'ProviderRefusal';

  constructor(
    readonly operation: string,
    readonly httpStatus: number,
    /** The provider's stable code, for instance `not-found`. */
    readonly code: string,
    detail: string,
  ) {
    super(`${operation} refused by the payment provider: ${httpStatus} ${code}: ${detail}`);
  }
}
