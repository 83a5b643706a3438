// Goal: no secret of a client or of the services reaches a log or a span, and no text of a client forges a line of the log.
// Method: canaries in every input of every operation, over HTTP and gRPC, at the most verbose log level, with the spans that
// an exporter gets; then requests that cause errors, because errors are logged.
import { createHmac } from 'node:crypto';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
import { newUuid } from '@gravity/kernel';
import { createLogger, startTracing, type Tracing } from '@gravity/observability';
import { operationsOf } from '../../tools/contracts/lint-api';
import { ApiStack, CURSOR_SECRET, PROVIDER_KEY, WEBHOOK_SECRET } from './api-stack';
import { GrpcMethods } from './grpc-methods';
import { bodySchema, sampleOf } from './sample-bodies';
import { type Fixtures, createFixtures } from './fixtures';
import { exportedSpans } from './exported-spans';

const CANARY = 'canary7f3a9c51';
/** Ends a line, begins a forged one, moves the cursor, and hides the following text. */
const FORGERY = `x\r\n{"level":"fatal","message":"forged"}\n\u001b[2J\u0085\u2028\u202e${CANARY}`;

const lines: string[] = [];
const exporter = new InMemorySpanExporter();
let tracing: Tracing;
let stack: ApiStack;
let fixtures: Fixtures;

beforeAll(async () => {
  tracing = await startTracing({}, 'spec', exporter);
  const destination = { write: (line: string) => void lines.push(line) };
  stack = await ApiStack.start('log-canaries', createLogger({ service: 'spec', level: 'trace', destination }));
  fixtures = await createFixtures(stack);
}, 120_000);

afterAll(async () => {
  await stack?.stop();
  await tracing?.shutdown();
});

function ids(path: string): string {
  const known: Record<string, string> = { ...fixtures, merchantId: fixtures.ownerMerchant, provider: 'sandbox' };
  return path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => known[name] ?? CANARY);
}

/** As in `POST /orders/v1/rounds/:roundId/claims`. */
function routeOf({ method, path }: { method: string; path: string }): string {
  return `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`;
}

const encoded = encodeURIComponent(FORGERY);

/** Sends one request for each place of a text. */
async function sendCanaries(): Promise<void> {
  for (const { method, path, operation } of operationsOf(stack.api)) {
    const role = (['operator', 'buyer', 'merchant'] as const).find((one) => operation['x-callers']?.includes(one));
    const token =
      role === undefined ? PROVIDER_KEY : await stack.token(role, role === 'buyer' ? fixtures.ownerBuyer : CANARY);
    const schema = bodySchema(operation);
    const valid = schema === undefined ? undefined : (sampleOf(stack.api, schema) as Record<string, unknown>);
    const poisoned = valid && Object.fromEntries(Object.keys(valid).map((name) => [name, FORGERY]));
    const headers = { 'idempotency-key': `${CANARY}-${newUuid()}`, 'if-match': `"${CANARY}"`, cookie: `s=${CANARY}` };
    const send = (where: string, options: Parameters<ApiStack['call']>[2]): Promise<unknown> =>
      stack.call(method, where, options);
    await send(ids(path), { token, headers, json: valid });
    await send(ids(path), { token: `${CANARY}.${CANARY}.${CANARY}`, headers, json: valid });
    await send(ids(path), { token, headers, json: poisoned });
    await send(path.replaceAll(/\{\w+\}/g, encoded), { token, headers, json: valid });
    const queries = (operation.parameters ?? []).filter((one) => one.in === 'query').map(({ name }) => name);
    for (const name of [...queries, 'token']) await send(`${ids(path)}?${name}=${encoded}`, { token, headers });
    await send(ids(path), {
      token,
      headers: { ...headers, 'x-request-id': `${CANARY} {}` },
      raw: { body: `{"${CANARY}`, type: 'application/json' },
    });
  }
}

async function sendCanariesOverGrpc(): Promise<void> {
  const grpc = new GrpcMethods(stack.running.grpcUrl!);
  for (const name of grpc.names) {
    const text = grpc.requestType(name).field.filter(({ type }) => type === 'TYPE_STRING');
    const request = Object.fromEntries(text.map((field) => [field.name, FORGERY]));
    for (const token of [CANARY, await stack.token('operator'), await stack.token('buyer', fixtures.ownerBuyer)])
      await grpc.call(name, request, token);
  }
  grpc.close();
}

it('logs and traces no secret, and logs no line that a client wrote', async () => {
  await sendCanaries();
  await sendCanariesOverGrpc();
  const operator = await stack.token('operator');
  // A correctly signed callback with an invalid body, which is logged.
  const body = JSON.stringify({ type: FORGERY });
  const [id, timestamp] = [`evt_${CANARY}`, `${Math.floor(Date.now() / 1_000)}`];
  const key = Buffer.from(WEBHOOK_SECRET.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  await stack.call('POST', '/orders/v1/payment-callbacks/sandbox', {
    raw: { body, type: 'application/json' },
    headers: { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` },
  });
  const log = lines.join('');
  // The log was captured.
  expect(log).toContain('listening');
  const routes = new Set(
    exporter
      .getFinishedSpans()
      .map(({ attributes }) => `${String(attributes['http.request.method'])} ${String(attributes['http.route'])}`),
  );
  // The spans of every operation were captured.
  expect(
    operationsOf(stack.api)
      .map(routeOf)
      .filter((route) => !routes.has(route)),
  ).toEqual([]);
  const seen = log + exportedSpans(exporter).join('');
  const secrets = {
    canary: CANARY,
    'webhook secret': WEBHOOK_SECRET.slice('whsec_'.length),
    'provider key': PROVIDER_KEY,
    'cursor secret': CURSOR_SECRET,
    'private key': stack.issuer.privateJwk.d!,
    'client secret': fixtures.clientSecret,
    token: operator,
    signature,
    forgery: 'forged',
  };
  expect(
    Object.entries(secrets)
      .filter(([, secret]) => seen.includes(secret))
      .map(([name]) => name),
  ).toEqual([]);
}, 60_000);

it('writes each line as one JSON object without control characters', () => {
  for (const line of lines) {
    expect(line.endsWith('\n')).toBe(true);
    expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    expect(() => JSON.parse(line) as unknown).not.toThrow();
  }
});
