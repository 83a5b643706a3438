// Goal: a payment callback has its effect once, and only when a current secret has signed exactly the received bytes within
// the tolerance. Method: callbacks that are signed here as the Standard Webhooks specification describes and sent over HTTP
// to the real services. After each refusal, the contents of every table and the status of the order are compared.
import { createHmac, randomBytes } from 'node:crypto';
import { bootServices } from '@gravity/service';
import { newUuid } from '@gravity/kernel';
import { freePort } from '@gravity/testing';
import { ordersService } from '../../apps/orders/src/orders.service';
import { type Answer, ApiStack } from './api-stack';
import { type Fixtures, createFixtures } from './fixtures';

const PATH = '/orders/v1/payment-callbacks/sandbox';
const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;
const [OLD_SECRET, NEW_SECRET, FOREIGN_SECRET] = [newSecret(), newSecret(), newSecret()];
const TOLERANCE_S = 300;
/** Far enough outside the tolerance for a slow machine. */
const OUTSIDE_S = TOLERANCE_S + 60;

let stack: ApiStack;
let fixtures: Fixtures;

beforeAll(async () => {
  // A rotation is under way: both secrets are configured.
  stack = await ApiStack.start('callbacks', undefined, { PAYMENTS_WEBHOOK_SECRETS: `${OLD_SECRET},${NEW_SECRET}` });
  fixtures = await createFixtures(stack);
}, 120_000);

afterAll(async () => stack?.stop());

interface UnpaidOrder {
  readonly orderId: string;
  readonly buyer: string;
  /** The provider's event for the payment of this order. */
  readonly event: Record<string, unknown>;
}

/** An order that awaits payment, of a new buyer. */
async function unpaidOrder(): Promise<UnpaidOrder> {
  const buyer = `b_${newUuid()}`;
  const token = await stack.token('buyer', buyer);
  const post = (path: string, json?: unknown): Promise<Answer> =>
    stack.call('POST', path, { token, json, headers: { 'idempotency-key': newUuid() } });
  const claim = await post(`/orders/v1/rounds/${fixtures.openRoundId}/claims`, {
    itemId: fixtures.openItemId,
    quantity: 1,
    regionCode: 'CN-11',
  });
  expect(claim.status).toBe(201);
  const orderId = String(claim.body.orderId);
  const intent = await post(`/orders/v1/orders/${orderId}/payment-intents`);
  expect(intent.status).toBe(201);
  const { intentId, amount } = intent.body;
  const data = { intentId, orderId, amount, chargeId: `ch_${newUuid()}` };
  return { orderId, buyer, event: { type: 'payment.succeeded', timestamp: new Date().toISOString(), data } };
}

interface Signing {
  readonly secrets?: readonly string[];
  readonly id?: string;
  readonly ageSeconds?: number;
}

/** The three headers over these bytes, with one signature for each secret. */
function signed(body: string | Buffer, signing: Signing = {}): Record<string, string> {
  const { secrets = [NEW_SECRET], id = `evt_${newUuid()}`, ageSeconds = 0 } = signing;
  const timestamp = Math.floor(Date.now() / 1_000 - ageSeconds).toString();
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

const deliver = (body: string | Buffer, headers: Record<string, string>, type = 'application/json'): Promise<Answer> =>
  stack.call('POST', PATH, { raw: { body, type }, headers });

async function statusOf({ orderId, buyer }: UnpaidOrder): Promise<string> {
  const answer = await stack.call('GET', `/orders/v1/orders/${orderId}`, { token: await stack.token('buyer', buyer) });
  return String(answer.body.status);
}

async function refuses(order: UnpaidOrder, code: string, send: () => Promise<Answer>): Promise<void> {
  const before = await stack.contents();
  const answer = await send();
  expect(answer.body).toMatchObject({ code });
  expect(answer.status).toBeLessThan(500);
  expect(await stack.contents()).toEqual(before);
  expect(await statusOf(order)).toBe('AWAITING_PAYMENT');
}

describe('refuses, and changes nothing', () => {
  let order: UnpaidOrder;
  let body: string;

  beforeAll(async () => {
    order = await unpaidOrder();
    body = JSON.stringify(order.event);
  });

  it('the same JSON in other bytes with the signature of the first', async () => {
    const headers = signed(body);
    const { data, ...rest } = order.event;
    for (const other of [
      JSON.stringify(order.event, null, 1),
      `${body}\n`,
      ` ${body}`,
      JSON.stringify({ data, ...rest }),
      body.replace('payment', '\\u0070ayment'),
    ]) {
      expect(JSON.parse(other)).toEqual(order.event);
      await refuses(order, 'signature-invalid', () => deliver(other, headers));
    }
  });

  it.each([
    ['an old timestamp', { ageSeconds: OUTSIDE_S }],
    ['a timestamp from the future', { ageSeconds: -OUTSIDE_S }],
    ['a foreign secret', { secrets: [FOREIGN_SECRET] }],
    ['no signature in its header', { secrets: [] }],
  ])('%s', (_what, signing) => refuses(order, 'signature-invalid', () => deliver(body, signed(body, signing))));

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('a callback without %s', (name) => {
    const { [name]: _left, ...headers } = signed(body);
    return refuses(order, 'signature-invalid', () => deliver(body, headers));
  });

  it.each([
    ['webhook-id', 'evt_another'],
    ['webhook-timestamp', '0'],
    ['webhook-timestamp', '1e9'],
    ['webhook-timestamp', '-1'],
    ['webhook-signature', 'v1,'],
    ['webhook-signature', 'v1a,AAAA'],
    ['webhook-signature', 'x'.repeat(4_000)],
  ])('%s: %s with the signature of another value', (name, value) =>
    refuses(order, 'signature-invalid', () => deliver(body, { ...signed(body), [name]: value })),
  );

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/cloudevents+json'])(
    'a signed body of type %s',
    (type) => refuses(order, 'unsupported-media-type', () => deliver(body, signed(body), type)),
  );

  it('a signed body past the limit', () => {
    const large = JSON.stringify({ ...order.event, note: 'x'.repeat(70_000) });
    return refuses(order, 'payload-too-large', () => deliver(large, signed(large)));
  });

  it('a signed body that has a duplicate member', () => {
    const twice = `${body.slice(0, -1)},"type":"payment.succeeded"}`;
    return refuses(order, 'invalid-request', () => deliver(twice, signed(twice)));
  });

  it.each([
    ['a NUL', { chargeId: 'ch_\u0000' }],
    ['half a surrogate pair', { chargeId: 'ch_\ud800' }],
    ['a very long text', { chargeId: randomBytes(3_000).toString('hex') }],
    ['a negative amount', { amount: { amount: -1, currency: 'CNY' } }],
    ['an amount that no integer holds', { amount: { amount: 1e300, currency: 'CNY' } }],
  ])('signed data with %s', (_what, data) => {
    const invalid = JSON.stringify({ ...order.event, data: { ...(order.event['data'] as object), ...data } });
    return refuses(order, 'invalid-request', () => deliver(invalid, signed(invalid)));
  });

  it('a signed id that is too long', () => {
    const id = randomBytes(4_000).toString('hex');
    return refuses(order, 'signature-invalid', () => deliver(body, signed(body, { id })));
  });

  it('another provider’s callback', async () => {
    const answer = await stack.call('POST', '/orders/v1/payment-callbacks/unknown', {
      raw: { body, type: 'application/json' },
      headers: signed(body),
    });
    expect(answer.body.code).toBe('not-found');
    expect(await statusOf(order)).toBe('AWAITING_PAYMENT');
  });
});

describe('accepts, once', () => {
  it.each([
    ['signed with the old secret', [OLD_SECRET]],
    ['signed with the new secret', [NEW_SECRET]],
    ['with a valid signature among others', [FOREIGN_SECRET, OLD_SECRET, FOREIGN_SECRET]],
  ])('a callback %s while both secrets are configured', async (_what, secrets) => {
    const order = await unpaidOrder();
    const body = JSON.stringify(order.event);
    expect((await deliver(body, signed(body, { secrets }))).status).toBe(204);
    expect(await statusOf(order)).toBe('PAID');
  });

  it('a repeated id, unchanged and signed again, at the same time and later', async () => {
    const order = await unpaidOrder();
    const body = JSON.stringify(order.event);
    const id = `evt_${newUuid()}`;
    const headers = signed(body, { id });
    const first = await Promise.all([deliver(body, headers), deliver(body, headers), deliver(body, headers)]);
    expect(first.map(({ status }) => status)).toEqual([204, 204, 204]);
    expect(await statusOf(order)).toBe('PAID');
    const before = await stack.contents();
    // Another charge under the same id would cause a refund if the id were unknown.
    const data = { ...(order.event['data'] as object), chargeId: `ch_${newUuid()}` };
    const other = JSON.stringify({ ...order.event, data });
    const again = [
      await deliver(body, headers),
      await deliver(body, signed(body, { id, secrets: [OLD_SECRET], ageSeconds: 60 })),
      await deliver(other, signed(other, { id })),
    ];
    expect(again.map(({ status }) => status)).toEqual([204, 204, 204]);
    expect(await stack.contents()).toEqual(before);
    expect(await statusOf(order)).toBe('PAID');
  });
});

it('refuses the old secret after the rotation, and accepts the new one', async () => {
  const env = { ...stack.env, PAYMENTS_WEBHOOK_SECRETS: NEW_SECRET };
  const after = await bootServices([ordersService], { env, port: await freePort() });
  try {
    const order = await unpaidOrder();
    const body = JSON.stringify(order.event);
    const send = async (secret: string): Promise<number> => {
      const headers = { 'content-type': 'application/json', ...signed(body, { secrets: [secret] }) };
      const answer = await fetch(`${after.url}${PATH}`, { method: 'POST', headers, body });
      await answer.arrayBuffer();
      return answer.status;
    };
    expect(await send(OLD_SECRET)).toBe(401);
    expect(await statusOf(order)).toBe('AWAITING_PAYMENT');
    expect(await send(NEW_SECRET)).toBe(204);
    expect(await statusOf(order)).toBe('PAID');
  } finally {
    await after.close();
  }
});
