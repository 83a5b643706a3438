// The payment provider port over the sandbox provider's HTTP API. All its commands are idempotent, so each is retried a
// bounded number of times inside one deadline; a breaker spares callers the deadline while the provider is down.
import { randomInt } from 'node:crypto';
import type { Problem } from '@gravity/contracts';
import { type EnvReader, type Result, assert, moneyToJson, monotonicMs, sleep, toRfc3339 } from '@gravity/kernel';
import { Secret } from '@gravity/observability';
import { Pool } from 'undici';
import { CircuitBreaker } from './circuit-breaker';
import {
  type CallbackHeaders,
  type CreateIntent,
  type CreatedIntent,
  type CreatedRefund,
  type IntentState,
  MAX_QUERIED_INTENTS,
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
const MAX_CONNECTIONS = 32;
const MAX_ATTEMPTS = 3;
const MAX_ANSWER_BYTES = 1_048_576;
/** Intents per request; a longer query is several requests, one after the other. */
const QUERY_BATCH = 200;
const RETRY_BASE_MS = 50;
const BREAKER = { failures: 8, openMs: 500, maxOpenMs: 5_000 };
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
  private readonly breaker = new CircuitBreaker(BREAKER);
  private readonly deadlineMs: number;
  private readonly attemptMs: number;

  constructor(private readonly options: SandboxProviderOptions) {
    this.verifier = new WebhookVerifier(options.webhookSecrets);
    this.deadlineMs = options.deadlineMs ?? 5_000;
    this.attemptMs = options.attemptMs ?? Math.ceil(this.deadlineMs / 2);
    // Connects on the first command, so the provider may start later than we do.
    this.pool = new Pool(new URL(options.url).origin, {
      connections: MAX_CONNECTIONS,
      maxResponseSize: MAX_ANSWER_BYTES,
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
    assert(intentIds.length <= MAX_QUERIED_INTENTS, `${intentIds.length} intents in one query`);
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
    let cause: unknown;
    let sent = false;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const leftMs = endsAtMs - monotonicMs();
      if (leftMs <= 0) break;
      const refusedForMs = this.breaker.refusal();
      if (refusedForMs !== undefined) {
        throw new ProviderUnavailable(command.operation, sent, Math.max(1, Math.ceil(refusedForMs / 1_000)), { cause });
      }
      try {
        const answer = await this.attempt(command, Math.min(leftMs, this.attemptMs));
        if (!RETRYABLE_STATUS.has(answer.status)) {
          const value =
            answer.status < 300 ? read(answer.body) : refusal(command.operation, answer.status, answer.body);
          this.breaker.succeeded();
          if (value instanceof ProviderRefusal) throw value;
          return value;
        }
        cause = new Error(`answered ${answer.status}`);
        sent = true;
      } catch (error) {
        if (error instanceof ProviderRefusal) throw error;
        cause = error;
        sent ||= !neverConnected(error);
      }
      this.breaker.failed();
      const pauseMs = randomInt(RETRY_BASE_MS * 2 ** (attempt - 1)) + RETRY_BASE_MS;
      if (attempt < MAX_ATTEMPTS) await sleep(Math.min(pauseMs, Math.max(0, endsAtMs - monotonicMs())));
    }
    throw new ProviderUnavailable(command.operation, sent, 1, { cause });
  }

  private async attempt(command: Command, timeoutMs: number): Promise<{ status: number; body: unknown }> {
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
    try {
      return { status: response.statusCode, body: JSON.parse(text) };
    } catch {
      // A gateway's page in front of the provider, perhaps: its status still counts, its text does not.
      if (response.statusCode >= 300) return { status: response.statusCode, body: {} };
      throw new MalformedAnswer(`${command.operation}: the answer is not JSON`);
    }
  }
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
