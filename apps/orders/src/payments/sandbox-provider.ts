// The payment provider port over the sandbox provider's HTTP API. All its commands are idempotent, so each is retried a
// bounded number of times inside one deadline; a breaker spares callers the deadline while the provider is down.
import type { Problem } from '@gravity/contracts';
import { type EnvReader, type Result, assert, moneyToJson, monotonicMs, toRfc3339 } from '@gravity/kernel';
import { Secret } from '@gravity/observability';
import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  ExponentialBackoff,
  halfJitterGenerator,
  handleWhen,
  retry,
} from 'cockatiel';
import { Pool } from 'undici';
import { breakerFor, type MonotonicPauses } from './circuit-breaker';
import {
  type CallbackHeaders,
  type CreateIntent,
  type CreatedIntent,
  type CreatedRefund,
  type IntentState,
  QUERIED_INTENTS_MAX,
  type PaymentProvider,
  type ProviderEvent,
  ProviderRefusal,
  ProviderUnavailable,
  type RefundPayment,
} from './payment-provider';
import {
  MalformedAnswer,
  readCreatedIntent,
  readEvent,
  readIntentState,
  readIntentStates,
  readRefund,
} from './sandbox-wire';
import { WebhookVerifier } from './webhook-verifier';

const API = '/payments-sandbox/v1';
const CONNECTIONS_MAX = 32;
const RETRIES_MAX = 2;
const ANSWER_BYTES_MAX = 1_048_576;
/** Intents per request; a longer query is several requests, one after the other. */
const QUERY_BATCH = 200;
const RETRY_DELAY_MAX_MS = 200;
/** 50 to 100 ms before the first retry, 100 to 200 ms before the second. */
const RETRY_BACKOFF = new ExponentialBackoff({
  generator: halfJitterGenerator,
  initialDelay: 100,
  maxDelay: RETRY_DELAY_MAX_MS,
});
const BREAKER = { failures: 8, openMs: 500, openMsMax: 5_000 };
/** Answers that say "later", not "no". */
const RETRYABLE_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface SandboxProviderOptions {
  /** Origin of the provider, for instance `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly key: Secret;
  readonly webhookSecrets: readonly Secret[];
  /** Time for one command with its retries. */
  readonly deadlineMs?: number;
  /** Time for one attempt. */
  readonly attemptMs?: number;
}

interface Command {
  /** Name in errors. */
  readonly operation: string;
  readonly path: string;
  readonly body: object;
  readonly idempotencyKey?: string;
}

/** Reads PAYMENTS_PROVIDER_URL, PAYMENTS_PROVIDER_KEY and PAYMENTS_WEBHOOK_SECRETS. */
export function readSandboxProvider(read: EnvReader): SandboxProviderOptions {
  const url = read.text('PAYMENTS_PROVIDER_URL');
  read.check(url === '' || URL.canParse(url), 'PAYMENTS_PROVIDER_URL is not a URL');
  const secrets = read.list('PAYMENTS_WEBHOOK_SECRETS');
  read.check(secrets.length > 0, 'PAYMENTS_WEBHOOK_SECRETS is not set');
  return {
    url,
    key: new Secret(read.text('PAYMENTS_PROVIDER_KEY')),
    webhookSecrets: secrets.map((secret) => new Secret(secret)),
    deadlineMs: read.integer('PAYMENTS_PROVIDER_DEADLINE_MS', 5_000, { min: 100, max: 60_000 }),
  };
}

export class SandboxProvider implements PaymentProvider {
  private readonly pool: Pool;
  private readonly verifier: WebhookVerifier;
  private readonly breaker: CircuitBreakerPolicy;
  private readonly pauses: MonotonicPauses;
  private readonly deadlineMs: number;
  private readonly attemptMs: number;

  constructor(private readonly options: SandboxProviderOptions) {
    this.verifier = new WebhookVerifier(options.webhookSecrets);
    this.deadlineMs = options.deadlineMs ?? 5_000;
    this.attemptMs = options.attemptMs ?? Math.ceil(this.deadlineMs / 2);
    // An attempt for which no time was left says nothing about the provider.
    const failures = handleWhen((error) => !(error instanceof DeadlinePassed));
    ({ breaker: this.breaker, pauses: this.pauses } = breakerFor(failures, BREAKER));
    // Connects on the first command, so the provider may start later than this process.
    this.pool = new Pool(new URL(options.url).origin, {
      connections: CONNECTIONS_MAX,
      maxResponseSize: ANSWER_BYTES_MAX,
      connect: { timeout: this.attemptMs },
      keepAliveTimeout: 10_000,
    });
  }

  async createIntent(request: CreateIntent): Promise<CreatedIntent> {
    const body = {
      orderId: request.orderId,
      amount: moneyToJson(request.amount),
      expiresAt: toRfc3339(request.expiresAtMs),
      description: request.description,
    };
    const command = { operation: 'createIntent', path: '/intents', body, idempotencyKey: request.idempotencyKey };
    return this.run(command, (answer) => readCreatedIntent(answer, this.options.url));
  }

  async queryIntents(intentIds: readonly string[]): Promise<ReadonlyMap<string, IntentState>> {
    assert(intentIds.length <= QUERIED_INTENTS_MAX, `${intentIds.length} intents in one query`);
    const states = new Map<string, IntentState>();
    for (let start = 0; start < intentIds.length; start += QUERY_BATCH) {
      const batch = intentIds.slice(start, start + QUERY_BATCH);
      const command = { operation: 'queryIntents', path: '/intent-queries', body: { intentIds: batch } };
      const found = await this.run(command, readIntentStates);
      for (const intentId of batch) states.set(intentId, found.get(intentId) ?? { status: 'UNKNOWN' });
    }
    return states;
  }

  async cancelIntent(intentId: string): Promise<IntentState> {
    const path = `/intents/${encodeURIComponent(intentId)}/cancellation`;
    try {
      return await this.run({ operation: 'cancelIntent', path, body: {} }, readIntentState);
    } catch (error) {
      if (error instanceof ProviderRefusal && error.httpStatus === 404) return { status: 'UNKNOWN' };
      throw error;
    }
  }

  async refund(request: RefundPayment): Promise<CreatedRefund> {
    const body = {
      intentId: request.intentId,
      amount: moneyToJson(request.amount),
      ...(request.chargeId === undefined ? {} : { chargeId: request.chargeId }),
    };
    return this.run(
      { operation: 'refund', path: '/refunds', body, idempotencyKey: request.idempotencyKey },
      readRefund,
    );
  }

  verifyCallback(headers: CallbackHeaders, rawBody: Buffer): Result<ProviderEvent, Problem> {
    const verified = this.verifier.verify(headers, rawBody);
    return verified.ok ? readEvent(verified.value, rawBody) : verified;
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }

  /** Sends a command until it is answered, refused, out of attempts or out of time. */
  private async run<T>(command: Command, read: (answer: unknown) => T): Promise<T> {
    const endsAtMs = monotonicMs() + this.deadlineMs;
    let sent = false;
    const attempt = async (): Promise<T | ProviderRefusal> => {
      const leftMs = endsAtMs - monotonicMs();
      if (leftMs <= 0) throw new DeadlinePassed();
      try {
        const { status, body } = await this.send(command, Math.min(leftMs, this.attemptMs));
        // A refusal is an answer, so for the breaker it is a success.
        return status < 300 ? read(body) : refusal(command.operation, status, body);
      } catch (error) {
        sent ||= !neverConnected(error);
        throw error;
      }
    };
    const leavesTime = (error: Error): boolean =>
      !(error instanceof BrokenCircuitError) && endsAtMs - monotonicMs() > RETRY_DELAY_MAX_MS;
    const retries = retry(handleWhen(leavesTime), { maxAttempts: RETRIES_MAX, backoff: RETRY_BACKOFF });
    const outcome = await retries
      .execute(() => this.breaker.execute(attempt))
      .catch((cause: unknown) => {
        const pauseMs = cause instanceof BrokenCircuitError ? this.pauses.leftMs() : 0;
        throw new ProviderUnavailable(command.operation, sent, Math.max(1, Math.ceil(pauseMs / 1_000)), { cause });
      });
    if (outcome instanceof ProviderRefusal) throw outcome;
    return outcome;
  }

  /** One request; throws when it brings no answer, or one that says "later". */
  private async send(command: Command, timeoutMs: number): Promise<{ status: number; body: unknown }> {
    const response = await this.pool.request({
      method: 'POST',
      path: `${API}${command.path}`,
      headers: {
        authorization: `Bearer ${this.options.key.reveal()}`,
        'content-type': 'application/json',
        ...(command.idempotencyKey === undefined ? {} : { 'idempotency-key': command.idempotencyKey }),
      },
      body: JSON.stringify(command.body),
      signal: AbortSignal.timeout(Math.ceil(timeoutMs)),
    });
    const text = await response.body.text();
    if (RETRYABLE_STATUS.has(response.statusCode)) throw new Error(`answered ${response.statusCode}`);
    try {
      return { status: response.statusCode, body: JSON.parse(text) };
    } catch {
      // A gateway in front of the provider may answer with a page: its status counts, its text does not.
      if (response.statusCode >= 300) return { status: response.statusCode, body: {} };
      throw new MalformedAnswer(`${command.operation}: the answer is not JSON`);
    }
  }
}

/** The time of a command ended before an attempt began. */
class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
}

function refusal(operation: string, status: number, body: unknown): ProviderRefusal {
  const { code, detail } = (typeof body === 'object' && body !== null ? body : {}) as {
    code?: unknown;
    detail?: unknown;
  };
  return new ProviderRefusal(
    operation,
    status,
    typeof code === 'string' ? code : 'unknown',
    typeof detail === 'string' ? detail : '',
  );
}

/** True when the request cannot have reached the provider. */
function neverConnected(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'UND_ERR_CONNECT_TIMEOUT';
}
