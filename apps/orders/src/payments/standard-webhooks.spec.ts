// Goal: a callback is accepted only when a current secret signed exactly these bytes a short while ago. Method:
// callbacks are signed here by hand as the Standard Webhooks specification describes, not by the library that checks
// them.
import { createHmac, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { Secret } from '@gravity/observability';
import { readEvent } from './sandbox-wire';
import { CALLBACK_BYTES_MAX, WebhookVerifier } from './webhook-verifier';

const CURRENT = `whsec_${randomBytes(32).toString('base64')}`;
const NEXT = `whsec_${randomBytes(32).toString('base64')}`;
const FOREIGN = `whsec_${randomBytes(32).toString('base64')}`;
const BODY = Buffer.from(
  JSON.stringify({
    type: 'payment.succeeded',
    timestamp: '2026-11-22T10:00:00.000Z',
    data: {
      intentId: 'pi_1',
      orderId: 'ord_1',
      amount: { amount: 149_900, currency: 'CNY' },
      chargeId: 'ch_1',
      note: '茅台',
    },
  }),
);

function headersFor(secret: string, body: Buffer, ageSeconds = 0, id = 'evt_1'): Record<string, string> {
  const timestamp = Math.floor(Date.now() / 1_000 - ageSeconds).toString();
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

const verifier = (...secrets: string[]): WebhookVerifier =>
  new WebhookVerifier(secrets.map((secret) => new Secret(secret)));
const codeOf = (result: ReturnType<WebhookVerifier['verify']>): string =>
  result.ok ? `ok ${result.value}` : result.error.code;

describe('standard webhooks', () => {
  it('agrees with the specification’s own test vector', () => {
    // https://github.com/standard-webhooks/standard-webhooks, `msg_p5jXN8AQM9LWM0D4loKWxJek`.
    jest.useFakeTimers({ now: 1_614_265_330_000 });
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    const verified = verifier('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw').verify(
      headers,
      Buffer.from('{"test": 2432232314}'),
    );
    jest.useRealTimers();
    expect(codeOf(verified)).toBe('ok msg_p5jXN8AQM9LWM0D4loKWxJek');
  });

  it('accepts a genuine callback', () => {
    expect(codeOf(verifier(CURRENT).verify(headersFor(CURRENT, BODY), BODY))).toBe('ok evt_1');
  });

  it.each([
    ['an altered body', headersFor(CURRENT, BODY), Buffer.from(BODY.toString().replace('149900', '149901'))],
    ['another id', { ...headersFor(CURRENT, BODY), 'webhook-id': 'evt_2' }, BODY],
    [
      'a shifted timestamp',
      { ...headersFor(CURRENT, BODY), 'webhook-timestamp': String(Math.floor(Date.now() / 1_000) - 9) },
      BODY,
    ],
    ['an old timestamp', headersFor(CURRENT, BODY, 301), BODY],
    ['a timestamp from the future', headersFor(CURRENT, BODY, -302), BODY],
    ['a wrong secret', headersFor(FOREIGN, BODY), BODY],
    ['no signature', { 'webhook-id': 'evt_1', 'webhook-timestamp': '1' }, BODY],
    [
      'an unknown version',
      {
        ...headersFor(CURRENT, BODY),
        'webhook-signature': headersFor(CURRENT, BODY)['webhook-signature']!.replace('v1', 'v9'),
      },
      BODY,
    ],
    ['a version without a signature', { ...headersFor(CURRENT, BODY), 'webhook-signature': 'v1' }, BODY],
    [
      'a timestamp with a tail',
      { ...headersFor(CURRENT, BODY), 'webhook-timestamp': `${Math.floor(Date.now() / 1_000)}x` },
      BODY,
    ],
    ['a header given twice', { ...headersFor(CURRENT, BODY), 'webhook-id': ['evt_1', 'evt_1'] }, BODY],
    ['bytes that are not text', headersFor(CURRENT, Buffer.from([0xff, 0xfe])), Buffer.from([0xff, 0xfe])],
    ['a body whose bytes decode to the signed text', headersFor(CURRENT, Buffer.from('�')), Buffer.from([0xff])],
  ])('refuses %s', (_name, headers, body) => {
    expect(codeOf(verifier(CURRENT).verify(headers, body))).toBe('signature-invalid');
  });

  it('refuses a body past the limit before any hashing', () => {
    const large = Buffer.alloc(CALLBACK_BYTES_MAX + 1, 'x');
    expect(codeOf(verifier(CURRENT).verify(headersFor(CURRENT, large), large))).toBe('payload-too-large');
  });

  it('accepts old and new secret while a rotation lasts, and only the new one afterwards', () => {
    const during = verifier(CURRENT, NEXT);
    expect(codeOf(during.verify(headersFor(CURRENT, BODY), BODY))).toBe('ok evt_1');
    expect(codeOf(during.verify(headersFor(NEXT, BODY), BODY))).toBe('ok evt_1');
    expect(codeOf(during.verify(headersFor(FOREIGN, BODY), BODY))).toBe('signature-invalid');
    expect(codeOf(verifier(NEXT).verify(headersFor(CURRENT, BODY), BODY))).toBe('signature-invalid');
  });

  it('accepts a sender that signs with several secrets', () => {
    const both = headersFor(FOREIGN, BODY);
    both['webhook-signature'] += ` ${headersFor(CURRENT, BODY)['webhook-signature']}`;
    expect(codeOf(verifier(CURRENT).verify(both, BODY))).toBe('ok evt_1');
  });

  it.each(['', 'whsec_', 'whsec_c2hvcnQ=', CURRENT.slice('whsec_'.length)])(
    'refuses the secret %j at start without showing it',
    (text) => {
      expect(() => verifier(CURRENT, text)).toThrow(/entry 2/);
      expect(() => verifier()).toThrow(/PAYMENTS_WEBHOOK_SECRETS/);
      if (text.length > 6) expect(() => verifier(text)).not.toThrow(new RegExp(text.slice(6).replace(/[+/=]/g, '.')));
    },
  );

  it('does not print its secrets', () => {
    expect(inspect(verifier(CURRENT), { depth: 8, showHidden: true })).not.toContain(CURRENT.slice('whsec_'.length));
  });
});

describe('a callback’s body', () => {
  it('becomes an event', () => {
    expect(readEvent('evt_1', BODY)).toEqual({
      ok: true,
      value: {
        eventId: 'evt_1',
        type: 'payment.succeeded',
        intentId: 'pi_1',
        orderId: 'ord_1',
        amount: { minor: 149_900n, currency: 'CNY' },
        chargeId: 'ch_1',
        occurredAtMs: Date.parse('2026-11-22T10:00:00.000Z'),
      },
    });
  });

  it.each([
    '',
    'null',
    '[]',
    '{}',
    '{"type":"payment.exploded"}',
    BODY.toString().replace('149900', '149900.5'),
    BODY.toString().replace('CNY', 'XXX'),
  ])('is refused when it is %s', (body) => {
    expect(readEvent('evt_1', Buffer.from(body))).toMatchObject({ ok: false, error: { code: 'invalid-request' } });
  });
});
