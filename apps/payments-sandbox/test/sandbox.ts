// The sandbox booted for a spec, and its API as a merchant's server and a buyer's app call it.
import { randomUUID } from 'node:crypto';
import { bootServices, migrateService, type RunningServices } from '@gravity/service';
import { paymentsSandboxService } from '../src/payments-sandbox.service';

export const SERVER_KEY = 'key_for_specs_0123456789';
export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export interface CreatedIntent {
  readonly intentId: string;
  readonly clientSecret: string;
  readonly payUrl: string;
  readonly status: string;
}

export class Sandbox {
  private constructor(
    private readonly running: RunningServices,
    private readonly key: string,
  ) {}

  static async start(env: Readonly<Record<string, string>>): Promise<Sandbox> {
    const full = {
      PAYMENTS_PROVIDER_KEY: SERVER_KEY,
      PAYMENTS_WEBHOOK_SECRETS: SECRET,
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: '0',
      LOG_LEVEL: 'fatal',
      AUTH_ISSUER: 'https://issuer.test',
      AUTH_JWKS: '{"keys":[]}',
      CURSOR_SECRET: 'a cursor secret that is long enough',
      ...env,
    };
    await migrateService(paymentsSandboxService, full);
    const running = await bootServices([paymentsSandboxService], { env: full });
    return new Sandbox(running, SERVER_KEY);
  }

  get url(): string {
    return this.running.url;
  }

  async close(): Promise<void> {
    await this.running.close();
  }

  async call(
    method: string,
    path: string,
    options: { body?: unknown; key?: string; idempotencyKey?: string } = {},
  ): Promise<Answer> {
    const { body, key = this.key, idempotencyKey } = options;
    const response = await fetch(`${this.url}/payments-sandbox/v1${path}`, {
      method,
      headers: {
        ...(key === '' ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    };
  }

  /** A new intent over 1,499.00 CNY that expires in an hour. */
  async intent(
    options: { amount?: number; expiresInMs?: number; idempotencyKey?: string; orderId?: string } = {},
  ): Promise<CreatedIntent> {
    const { amount = 149_900, expiresInMs = 3_600_000, idempotencyKey = randomUUID(), orderId = 'ord_1' } = options;
    const body = {
      orderId,
      amount: { amount, currency: 'CNY' },
      expiresAt: new Date(Date.now() + expiresInMs).toISOString(),
      description: 'One bottle',
    };
    const answer = await this.call('POST', '/intents', { body, idempotencyKey });
    if (answer.status !== 201) throw new Error(`intent: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as unknown as CreatedIntent;
  }

  /** The buyer pays. */
  pay(intent: CreatedIntent, token: string): Promise<Answer> {
    return this.call('POST', `/intents/${intent.intentId}/confirmation`, { body: { token }, key: intent.clientSecret });
  }

  cancel(intent: CreatedIntent): Promise<Answer> {
    return this.call('POST', `/intents/${intent.intentId}/cancellation`, { body: {} });
  }

  refund(intent: CreatedIntent, amount: number, idempotencyKey: string): Promise<Answer> {
    return this.call('POST', '/refunds', {
      body: { intentId: intent.intentId, amount: { amount, currency: 'CNY' } },
      idempotencyKey,
    });
  }

  async statusOf(intent: CreatedIntent): Promise<unknown> {
    return (await this.call('GET', `/intents/${intent.intentId}`)).body['status'];
  }

  async deliveries(intent: CreatedIntent): Promise<Record<string, unknown>[]> {
    const answer = await this.call('GET', `/deliveries?intentId=${intent.intentId}`);
    return answer.body['items'] as Record<string, unknown>[];
  }
}
