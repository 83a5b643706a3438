// Goal: for any behaviour of the provider callers see an answer, a refusal or ProviderUnavailable, in bounded time.
// Method: a real HTTP server that misbehaves on purpose. The answers of a well-behaved provider are tested against the
// sandbox itself, in test/payments.
import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { EnvReader, money } from '@gravity/kernel';
import { Secret } from '@gravity/observability';
import { ProviderRefusal, ProviderUnavailable } from './payment-provider';
import { readSandboxProvider, SandboxProvider } from './sandbox-provider';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const KEY = 'key_that_must_not_show';
const INTENT = { intentId: 'pi_1', payUrl: '/pay/pi_1', clientSecret: 'pcs_1', status: 'PENDING' };
const REQUEST = {
  orderId: 'ord_1',
  amount: money(100n, 'CNY'),
  idempotencyKey: 'k1',
  expiresAtMs: 1_800_000_000_000,
  description: 'x',
};

interface Seen {
  readonly path: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: unknown;
}

let server: Server;
let url: string;
let seen: Seen[];
let answer: (response: ServerResponse, nth: number) => void;
let provider: SandboxProvider;

const json = (status: number, body: unknown) => (response: ServerResponse) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

beforeEach(async () => {
  seen = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({
        path: request.url ?? '',
        headers: request.headers,
        body: JSON.parse(Buffer.concat(chunks).toString()),
      });
      answer(response, seen.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  provider = new SandboxProvider({
    url,
    key: new Secret(KEY),
    webhookSecrets: [new Secret(SECRET)],
    deadlineMs: 800,
    attemptMs: 300,
  });
});

afterEach(async () => {
  await provider.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

it('sends the key and the Idempotency-Key, and resolves the pay URL', async () => {
  answer = json(201, INTENT);
  expect(await provider.createIntent(REQUEST)).toEqual({
    intentId: 'pi_1',
    payUrl: `${url}/pay/pi_1`,
    clientSecret: 'pcs_1',
    status: 'PENDING',
  });
  expect(seen[0]).toMatchObject({
    path: '/payments-sandbox/v1/intents',
    headers: { authorization: `Bearer ${KEY}`, 'idempotency-key': 'k1' },
    body: { orderId: 'ord_1', amount: { amount: 100, currency: 'CNY' }, expiresAt: '2027-01-15T08:00:00.000Z' },
  });
});

it.each([
  ['a lost connection', (response: ServerResponse) => void response.destroy()],
  ['a 503', json(503, {})],
  ['a 429', json(429, {})],
  ['a page of a gateway', (response: ServerResponse) => void response.writeHead(502).end('<html>')],
  ['an answer that is not JSON', (response: ServerResponse) => void response.writeHead(200).end('<html>')],
  ['an answer of another shape', json(200, { intentId: 7 })],
  ['silence', () => undefined],
])('repeats with the same key after %s', async (_name, fault) => {
  answer = (response, nth) => (nth === 1 ? fault(response) : json(201, INTENT)(response));
  expect(await provider.createIntent(REQUEST)).toMatchObject({ intentId: 'pi_1' });
  expect(seen.map((request) => request.headers['idempotency-key'])).toEqual(['k1', 'k1']);
});

it('gives up after three attempts and says that the command may have happened', async () => {
  answer = json(503, {});
  const error = await failureOf(provider.refund({ intentId: 'pi_1', amount: money(1n, 'CNY'), idempotencyKey: 'r1' }));
  expect(error).toBeInstanceOf(ProviderUnavailable);
  expect(error).toMatchObject({ sent: true, problem: { code: 'payment-provider-unavailable', retryAfterSeconds: 1 } });
  expect(seen).toHaveLength(3);
});

it('gives up at its deadline when nothing answers', async () => {
  answer = () => undefined;
  const startedMs = performance.now();
  expect(await failureOf(provider.createIntent(REQUEST))).toBeInstanceOf(ProviderUnavailable);
  expect(performance.now() - startedMs).toBeLessThan(1_200);
});

it('stops asking a provider that is down, and asks again by itself', async () => {
  answer = json(503, {});
  for (let i = 0; i < 3; i += 1) await failureOf(provider.cancelIntent('pi_1'));
  const asked = seen.length;
  const error = await failureOf(provider.cancelIntent('pi_1'));
  expect(error).toMatchObject({ sent: false });
  expect(seen).toHaveLength(asked);
  answer = json(200, { ...INTENT, status: 'CANCELLED' });
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(await provider.cancelIntent('pi_1')).toEqual({ status: 'CANCELLED' });
});

it('asks again after its pause although the wall clock was set back by an hour meanwhile', async () => {
  answer = json(503, {});
  for (let i = 0; i < 3; i += 1) await failureOf(provider.cancelIntent('pi_1'));
  const real = Date.now;
  const wallClock = jest.spyOn(Date, 'now').mockImplementation(() => real() - 3_600_000);
  try {
    answer = json(200, { ...INTENT, status: 'CANCELLED' });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await provider.cancelIntent('pi_1')).toEqual({ status: 'CANCELLED' });
  } finally {
    wallClock.mockRestore();
  }
});

it('says that nothing was sent when no server listens', async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(await failureOf(provider.createIntent(REQUEST))).toMatchObject({ sent: false });
  await new Promise<void>((resolve) => server.listen(Number(new URL(url).port), '127.0.0.1', resolve));
});

it('does not repeat a refused command', async () => {
  answer = json(422, { code: 'idempotency-key-reused', detail: 'Use a new key.' });
  const error = await failureOf(provider.createIntent(REQUEST));
  expect(error).toBeInstanceOf(ProviderRefusal);
  expect(error).toMatchObject({ code: 'idempotency-key-reused', httpStatus: 422 });
  expect(seen).toHaveLength(1);
});

it('asks for many intents in bounded requests and has an entry for each', async () => {
  answer = (response, nth) =>
    json(200, { items: nth === 1 ? [{ intentId: 'pi_3', status: 'PROCESSING' }] : [] })(response);
  const ids = Array.from({ length: 450 }, (_, index) => `pi_${index}`);
  const states = await provider.queryIntents(ids);
  expect(seen.map((request) => (request.body as { intentIds: string[] }).intentIds.length)).toEqual([200, 200, 50]);
  expect(states.size).toBe(450);
  expect([states.get('pi_3'), states.get('pi_4')]).toEqual([{ status: 'PENDING' }, { status: 'UNKNOWN' }]);
  await expect(provider.queryIntents(Array.from({ length: 1_001 }, () => 'pi'))).rejects.toThrow('1001');
});

it('never prints its key', async () => {
  answer = json(503, {});
  const error = await failureOf(provider.createIntent(REQUEST));
  for (const value of [provider, error]) expect(inspect(value, { depth: 10, showHidden: true })).not.toContain(KEY);
});

it('names every missing key of the environment', () => {
  const read = new EnvReader({});
  readSandboxProvider(read);
  expect(() => read.done()).toThrow(/PAYMENTS_PROVIDER_URL.*PAYMENTS_PROVIDER_KEY/);
});
