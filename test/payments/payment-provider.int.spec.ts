// Goal: the sandbox adapter implements the provider port of `orders`. Method: the real adapter against the real sandbox service,
// with a callback endpoint that accepts only callbacks that the adapter has verified.
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bootServices, migrateService, type RunningServices } from '@gravity/service';
import { EnvReader, money } from '@gravity/kernel';
import { type FreshDatabase, eventually, freshDatabase } from '@gravity/testing';
import type { CreatedIntent, ProviderEvent } from '../../apps/orders/src/payments/payment-provider';
import { readSandboxProvider, SandboxProvider } from '../../apps/orders/src/payments/sandbox-provider';
import { paymentsSandboxService } from '../../apps/payments-sandbox/src/payments-sandbox.service';

const OLD_SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const NEW_SECRET = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
const AMOUNT = money(149_900n, 'CNY');

let database: FreshDatabase;
let running: RunningServices;
let receiver: Server;
let provider: SandboxProvider;
const events: ProviderEvent[] = [];
const refusals: string[] = [];

beforeAll(async () => {
  database = await freshDatabase('payment provider');
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const event = provider.verifyCallback(request.headers, Buffer.concat(chunks));
      if (event.ok) events.push(event.value);
      else refusals.push(event.error.code);
      response.writeHead(event.ok ? 204 : 401).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const env = {
    PAYMENTS_SANDBOX_DATABASE_URL: database.url,
    PAYMENTS_PROVIDER_KEY: 'key_of_the_merchant_server',
    PAYMENTS_WEBHOOK_SECRETS: `${OLD_SECRET},${NEW_SECRET}`,
    PAYMENTS_CALLBACK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/callbacks`,
    AUTH_ISSUER: 'https://issuer.test',
    AUTH_JWKS: '{"keys":[]}',
    CURSOR_SECRET: 'a cursor secret that is long enough',
    LOG_LEVEL: 'fatal',
  };
  await migrateService(paymentsSandboxService, env);
  running = await bootServices([paymentsSandboxService], { env });
  // The receiver has finished the rotation and accepts only the new secret.
  const rotated = { ...env, PAYMENTS_PROVIDER_URL: running.url, PAYMENTS_WEBHOOK_SECRETS: NEW_SECRET };
  provider = new SandboxProvider(readSandboxProvider(new EnvReader(rotated)));
});

afterAll(async () => {
  await provider?.close();
  await running?.close();
  await new Promise((resolve) => receiver.close(resolve));
  await database?.drop();
  expect(refusals).toEqual([]);
});

const create = (key: string): Promise<CreatedIntent> =>
  provider.createIntent({
    orderId: `ord_${key}`,
    amount: AMOUNT,
    idempotencyKey: key,
    expiresAtMs: Date.now() + 60_000,
    description: 'One phone',
  });

async function pay(intent: CreatedIntent, token: string): Promise<number> {
  const response = await fetch(intent.payUrl, {
    method: 'POST',
    headers: { authorization: `Bearer ${intent.clientSecret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  await response.arrayBuffer();
  return response.status;
}

const eventsOf = (intent: CreatedIntent): ProviderEvent[] =>
  events.filter((event) => event.intentId === intent.intentId);

it('follows a payment from the intent to the refund', async () => {
  const intent = await create('a');
  expect(intent.status).toBe('PENDING');
  expect(await pay(intent, 'tok_approve')).toBe(200);
  await eventually(() => expect(eventsOf(intent)).toHaveLength(1));
  const [paid] = eventsOf(intent);
  expect(paid).toMatchObject({ type: 'payment.succeeded', orderId: 'ord_a', amount: AMOUNT });
  const states = await provider.queryIntents([intent.intentId, 'pi_unknown']);
  expect(states.get(intent.intentId)).toEqual({
    status: 'PAID',
    paidAmount: AMOUNT,
    chargeId: paid!.chargeId,
    paidAtMs: paid!.occurredAtMs,
  });
  expect(states.get('pi_unknown')).toEqual({ status: 'UNKNOWN' });

  const request = { intentId: intent.intentId, chargeId: paid!.chargeId, amount: AMOUNT, idempotencyKey: 'refund-a' };
  const refunds = await Promise.all([provider.refund(request), provider.refund(request)]);
  expect(refunds[0]).toEqual(refunds[1]);
  expect(refunds[0].status).toBe('SUCCEEDED');
  await eventually(() =>
    expect(eventsOf(intent)[1]).toMatchObject({
      type: 'refund.succeeded',
      refundId: refunds[0].refundId,
      amount: AMOUNT,
    }),
  );
});

it('creates one intent per key, and refuses the key for another order', async () => {
  const expiresAtMs = Date.now() + 60_000;
  const request = { orderId: 'ord_b', amount: AMOUNT, idempotencyKey: 'b', expiresAtMs, description: '' };
  const [first, second] = await Promise.all([provider.createIntent(request), provider.createIntent(request)]);
  expect(second).toEqual(first);
  await expect(provider.createIntent({ ...request, orderId: 'ord_c' })).rejects.toMatchObject({
    code: 'idempotency-key-reused',
  });
});

it('cancels an unpaid intent and reports a paid one', async () => {
  const [unpaid, paid] = [await create('d'), await create('e')];
  await pay(paid, 'tok_callback_lost');
  expect(await provider.cancelIntent(unpaid.intentId)).toEqual({ status: 'CANCELLED' });
  expect(await provider.cancelIntent(paid.intentId)).toMatchObject({ status: 'PAID', paidAmount: AMOUNT });
  expect(await provider.cancelIntent('pi_unknown')).toEqual({ status: 'UNKNOWN' });
  expect(await pay(unpaid, 'tok_approve')).toBe(409);
});

it('shows a scheduled payment as pending, and a wrong amount as charged', async () => {
  const [late, wrong] = [await create('f'), await create('g')];
  await pay(late, 'tok_approve_late:60');
  await pay(wrong, 'tok_wrong_amount');
  const states = await provider.queryIntents([late.intentId, wrong.intentId]);
  expect(states.get(late.intentId)).toEqual({ status: 'PENDING' });
  expect(states.get(wrong.intentId)).toMatchObject({ status: 'PAID', paidAmount: money(149_899n, 'CNY') });
});
