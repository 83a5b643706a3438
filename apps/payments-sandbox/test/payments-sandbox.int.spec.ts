// Goal: the sandbox does exactly what its README promises per token. Method: the real service over HTTP on a real
// Postgres, and a receiver that checks every signature.
import { setTimeout as sleep } from 'node:timers/promises';
import { type FreshDatabase, eventually, freshDatabase } from '@gravity/testing';
import { CallbackReceiver } from './callback-receiver';
import { SECRET, Sandbox } from './sandbox';

/** Long enough for a callback that should not come to have come. */
const QUIET_MS = 700;

let database: FreshDatabase;
let sandbox: Sandbox;
const receiver = new CallbackReceiver(SECRET);

beforeAll(async () => {
  database = await freshDatabase('payments sandbox');
  await receiver.start();
  sandbox = await Sandbox.start({ PAYMENTS_SANDBOX_DATABASE_URL: database.url, PAYMENTS_CALLBACK_URL: receiver.url });
});

afterAll(async () => {
  await sandbox?.close();
  await receiver.stop();
  await database?.drop();
  expect(receiver.forged).toEqual([]);
});

beforeEach(() => {
  receiver.answer = () => 204;
});

const typesOf = (intentId: string): string[] => receiver.of(intentId).map((callback) => callback.type);

describe('tokens', () => {
  it('tok_approve pays and tells once', async () => {
    const intent = await sandbox.intent({ orderId: 'ord_42' });
    expect(await sandbox.pay(intent, 'tok_approve')).toMatchObject({
      status: 200,
      body: { intentId: intent.intentId, status: 'PAID' },
    });
    await eventually(() => expect(typesOf(intent.intentId)).toEqual(['payment.succeeded']));
    const paid = (await sandbox.call('GET', `/intents/${intent.intentId}`)).body['paid'] as Record<string, unknown>;
    expect(receiver.of(intent.intentId)[0]!.body.data).toEqual({
      intentId: intent.intentId,
      orderId: 'ord_42',
      amount: { amount: 149_900, currency: 'CNY' },
      chargeId: paid['chargeId'],
    });
    await eventually(async () =>
      expect(await sandbox.deliveries(intent)).toMatchObject([
        { status: 'DELIVERED', attempts: 1, lastHttpStatus: 204 },
      ]),
    );
  });

  it('tok_decline declines, and another attempt may pay', async () => {
    const intent = await sandbox.intent();
    expect(await sandbox.pay(intent, 'tok_decline')).toMatchObject({ status: 200, body: { status: 'DECLINED' } });
    await eventually(() => expect(typesOf(intent.intentId)).toEqual(['payment.failed']));
    expect(await sandbox.pay(intent, 'tok_approve')).toMatchObject({ status: 200, body: { status: 'PAID' } });
    await eventually(() => expect(typesOf(intent.intentId)).toEqual(['payment.failed', 'payment.succeeded']));
  });

  it('tok_approve_late pays after the delay', async () => {
    const intent = await sandbox.intent({ expiresInMs: 600 });
    expect(await sandbox.pay(intent, 'tok_approve_late:1')).toMatchObject({
      status: 200,
      body: { status: 'PROCESSING' },
    });
    expect(await sandbox.pay(intent, 'tok_approve')).toMatchObject({ body: { status: 'PROCESSING' } });
    await sleep(QUIET_MS);
    expect(typesOf(intent.intentId)).toEqual([]);
    await eventually(() => expect(typesOf(intent.intentId)).toEqual(['payment.succeeded']));
    expect(await sandbox.statusOf(intent)).toBe('PAID');
  });

  it('tok_approve_late does not pay when the intent was cancelled in time', async () => {
    const intent = await sandbox.intent();
    await sandbox.pay(intent, 'tok_approve_late:1');
    expect(await sandbox.cancel(intent)).toMatchObject({ status: 200, body: { status: 'CANCELLED' } });
    await sleep(1_000 + QUIET_MS);
    expect([await sandbox.statusOf(intent), typesOf(intent.intentId)]).toEqual(['CANCELLED', []]);
  });

  it('tok_approve_late_force pays although the intent was cancelled', async () => {
    const intent = await sandbox.intent();
    await sandbox.pay(intent, 'tok_approve_late_force:1');
    expect(await sandbox.cancel(intent)).toMatchObject({ body: { status: 'CANCELLED' } });
    await eventually(() => expect(typesOf(intent.intentId)).toEqual(['payment.succeeded']));
    expect(await sandbox.cancel(intent)).toMatchObject({ body: { status: 'PAID' } });
  });

  it('tok_callback_twice delivers one event two times', async () => {
    const intent = await sandbox.intent();
    await sandbox.pay(intent, 'tok_callback_twice');
    await eventually(() => expect(typesOf(intent.intentId)).toEqual(['payment.succeeded', 'payment.succeeded']));
    expect(new Set(receiver.of(intent.intentId).map((callback) => callback.eventId)).size).toBe(1);
  });

  it('tok_callbacks_out_of_order sends a stale failure after the success', async () => {
    const intent = await sandbox.intent();
    await sandbox.pay(intent, 'tok_callbacks_out_of_order');
    await eventually(() => expect(typesOf(intent.intentId)).toEqual(['payment.succeeded', 'payment.failed']));
    const [success, failure] = receiver.of(intent.intentId);
    expect(Date.parse(failure!.body.timestamp)).toBeLessThan(Date.parse(success!.body.timestamp));
    expect(failure!.eventId).not.toBe(success!.eventId);
    expect(await sandbox.statusOf(intent)).toBe('PAID');
  });

  it('tok_callback_lost pays and never tells', async () => {
    const intent = await sandbox.intent();
    expect(await sandbox.pay(intent, 'tok_callback_lost')).toMatchObject({ body: { status: 'PAID' } });
    await sleep(QUIET_MS);
    expect([typesOf(intent.intentId), await sandbox.deliveries(intent)]).toEqual([[], []]);
    const query = await sandbox.call('POST', '/intent-queries', {
      body: { intentIds: [intent.intentId, 'pi_unknown'] },
    });
    expect(query).toMatchObject({
      status: 200,
      body: { items: [{ intentId: intent.intentId, status: 'PAID' }], hasMore: false },
    });
  });

  it('tok_callback_late tells after the delay', async () => {
    const intent = await sandbox.intent();
    expect(await sandbox.pay(intent, 'tok_callback_late:1')).toMatchObject({ body: { status: 'PAID' } });
    expect(await sandbox.deliveries(intent)).toMatchObject([{ status: 'PENDING', attempts: 0 }]);
    const startedMs = Date.now();
    await eventually(() => expect(typesOf(intent.intentId)).toEqual(['payment.succeeded']));
    expect(receiver.of(intent.intentId)[0]!.atMs - startedMs).toBeGreaterThan(500);
  });

  it('tok_unknown answers that the outcome is unknown, and the payment is made', async () => {
    const intent = await sandbox.intent();
    expect(await sandbox.pay(intent, 'tok_unknown')).toMatchObject({
      status: 503,
      body: { code: 'outcome-unknown', retryable: true },
    });
    expect(await sandbox.statusOf(intent)).toBe('PAID');
    await eventually(() => expect(typesOf(intent.intentId)).toEqual(['payment.succeeded']));
    expect(await sandbox.pay(intent, 'tok_unknown')).toMatchObject({ status: 200, body: { status: 'PAID' } });
  });

  it('tok_wrong_amount charges another amount and says so', async () => {
    const intent = await sandbox.intent();
    await sandbox.pay(intent, 'tok_wrong_amount');
    await eventually(() =>
      expect(receiver.of(intent.intentId)[0]?.body.data['amount']).toEqual({ amount: 149_899, currency: 'CNY' }),
    );
    expect((await sandbox.call('GET', `/intents/${intent.intentId}`)).body).toMatchObject({
      amount: { amount: 149_900 },
      paid: { amount: { amount: 149_899 } },
    });
  });

  it('tok_by_amount goes by the last two digits', async () => {
    const declined = await sandbox.intent({ amount: 149_981 });
    expect(await sandbox.pay(declined, 'tok_by_amount')).toMatchObject({ body: { status: 'DECLINED' } });
    expect(await sandbox.pay(await sandbox.intent({ amount: 149_999 }), 'tok_by_amount')).toMatchObject({
      body: { status: 'PAID' },
    });
  });

  it('an unknown token is refused at its place', async () => {
    const answer = await sandbox.pay(await sandbox.intent(), 'tok_nonsense');
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request', errors: [{ pointer: '/token' }] } });
  });
});

describe('intents', () => {
  it('are created once per Idempotency-Key', async () => {
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const body = { orderId: 'ord_1', amount: { amount: 100, currency: 'CNY' }, expiresAt, description: '' };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => sandbox.call('POST', '/intents', { body, idempotencyKey: 'twice' })),
    );
    expect(answers.map((answer) => answer.status)).toEqual(Array(8).fill(201));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(answers.filter((answer) => answer.headers.get('idempotent-replayed') === 'true')).toHaveLength(7);
    const other = { ...body, amount: { amount: 101, currency: 'CNY' } };
    expect(await sandbox.call('POST', '/intents', { body: other, idempotencyKey: 'twice' })).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
    expect(await sandbox.call('POST', '/intents', { body })).toMatchObject({
      status: 400,
      body: { code: 'idempotency-key-missing' },
    });
  });

  it.each([
    ['no amount', { amount: undefined }],
    ['an amount of nothing', { amount: { amount: 0, currency: 'CNY' } }],
    ['half a fen', { amount: { amount: 1.5, currency: 'CNY' } }],
    ['an unknown currency', { amount: { amount: 1, currency: 'XXX' } }],
    ['an unknown property', { colour: 'red' }],
    ['a time that is none', { expiresAt: 'tomorrow' }],
  ])('are refused with %s', async (_name, part) => {
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const body = { orderId: 'ord_1', amount: { amount: 100, currency: 'CNY' }, expiresAt, description: '', ...part };
    expect(await sandbox.call('POST', '/intents', { body, idempotencyKey: 'bad' })).toMatchObject({
      status: 400,
      body: { code: 'invalid-request' },
    });
  });

  it('answer to the right key only', async () => {
    const intent = await sandbox.intent();
    for (const key of ['', 'wrong', intent.clientSecret]) {
      expect(await sandbox.call('GET', `/intents/${intent.intentId}`, { key })).toMatchObject({
        status: 401,
        body: { code: 'unauthenticated' },
      });
      expect((await sandbox.call('POST', '/refunds', { key, body: {}, idempotencyKey: 'k' })).status).toBe(401);
    }
    const stranger = await sandbox.intent();
    const stolen = { ...intent, clientSecret: stranger.clientSecret };
    expect(await sandbox.pay(stolen, 'tok_approve')).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(await sandbox.pay({ ...intent, intentId: 'pi_none' }, 'tok_approve')).toMatchObject({ status: 404 });
    expect(await sandbox.statusOf(intent)).toBe('PENDING');
  });

  it('cannot be paid once cancelled or expired', async () => {
    const cancelled = await sandbox.intent();
    await sandbox.cancel(cancelled);
    expect(await sandbox.cancel(cancelled)).toMatchObject({ status: 200, body: { status: 'CANCELLED' } });
    const expired = await sandbox.intent({ expiresInMs: -1 });
    for (const intent of [cancelled, expired]) {
      expect(await sandbox.pay(intent, 'tok_approve')).toMatchObject({
        status: 409,
        body: { code: 'order-not-payable' },
      });
    }
    expect((await sandbox.call('POST', '/intents/pi_none/cancellation', { body: {} })).status).toBe(404);
  });

  it('are paid or cancelled, never both, when both come at once', async () => {
    const intents = await Promise.all(Array.from({ length: 20 }, () => sandbox.intent()));
    await Promise.all(
      intents.map(async (intent) => {
        const [paid, cancelled] = await Promise.all([sandbox.pay(intent, 'tok_approve'), sandbox.cancel(intent)]);
        const status = await sandbox.statusOf(intent);
        expect(cancelled.body['status']).toBe(status);
        expect(paid.status).toBe(status === 'PAID' ? 200 : 409);
      }),
    );
  });

  it('are charged once however often the buyer taps', async () => {
    const intent = await sandbox.intent();
    const answers = await Promise.all(Array.from({ length: 10 }, () => sandbox.pay(intent, 'tok_approve')));
    expect(answers.map((answer) => answer.body['status'])).toEqual(Array(10).fill('PAID'));
    await sleep(QUIET_MS);
    expect(typesOf(intent.intentId)).toEqual(['payment.succeeded']);
  });
});

describe('refunds', () => {
  it('happen once per key and never exceed the payment', async () => {
    const intent = await sandbox.intent();
    expect(await sandbox.refund(intent, 1, 'too-early')).toMatchObject({
      status: 409,
      body: { code: 'invalid-transition' },
    });
    await sandbox.pay(intent, 'tok_approve');
    const key = `refund-${intent.intentId}`;
    const answers = await Promise.all(Array.from({ length: 6 }, () => sandbox.refund(intent, 100_000, key)));
    expect(answers.map((answer) => answer.status)).toEqual(Array(6).fill(201));
    expect(new Set(answers.map((answer) => answer.body['refundId'])).size).toBe(1);
    expect(await sandbox.refund(intent, 99_999, key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
    expect(await sandbox.refund(intent, 49_901, `${key}-2`)).toMatchObject({ status: 409 });
    expect(await sandbox.refund(intent, 49_900, `${key}-2`)).toMatchObject({
      status: 201,
      body: { status: 'SUCCEEDED' },
    });
    await eventually(() =>
      expect(typesOf(intent.intentId)).toEqual(['payment.succeeded', 'refund.succeeded', 'refund.succeeded']),
    );
    expect(receiver.of(intent.intentId)[1]!.body.data['refundId']).toBe(answers[0]!.body['refundId']);
    expect((await sandbox.call('GET', `/intents/${intent.intentId}`)).body['refundedAmount']).toBe(149_900);
  });

  it('with one key for two intents refund one of them', async () => {
    const intents = await Promise.all([sandbox.intent(), sandbox.intent()]);
    await Promise.all(intents.map((intent) => sandbox.pay(intent, 'tok_approve')));
    const answers = await Promise.all(
      intents.map((intent) => sandbox.refund(intent, 100, `shared-${intents[0].intentId}`)),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 422]);
  });
});

describe('deliveries', () => {
  it('are repeated with the same id until the receiver takes them', async () => {
    const intent = await sandbox.intent();
    let refusals = 0;
    receiver.answer = (callback) => (callback.body.data['intentId'] === intent.intentId && refusals++ < 2 ? 500 : 200);
    await sandbox.pay(intent, 'tok_approve');
    await eventually(() => expect(receiver.of(intent.intentId)).toHaveLength(3));
    expect(new Set(receiver.of(intent.intentId).map((callback) => callback.eventId)).size).toBe(1);
    await eventually(async () =>
      expect(await sandbox.deliveries(intent)).toMatchObject([{ status: 'DELIVERED', attempts: 3 }]),
    );
  });
});
