// Goal: series and rounds over HTTP as operators, merchants and buyers meet them. Method: the whole orders service on
// real Postgres and Redis; Kafka is out of reach throughout, which must not matter to any of it.
import { bootServices, migrateService, type RunningServices } from '@gravity/service';
import { newId, newUuid } from '@gravity/kernel';
import { type Database, openDatabase } from '@gravity/persistence';
import {
  engines,
  eventually,
  freshDatabase,
  type FreshDatabase,
  localIssuer,
  type LocalIssuer,
} from '@gravity/testing';
import { ordersService } from '../src/orders.service';
import { knownSku, type KnownSku, seriesBody } from './support/rounds-fixture';
import { idFromUuid } from '@gravity/kernel';

let fresh: FreshDatabase;
let database: Database;
let issuer: LocalIssuer;
let services: RunningServices;
let sku: KnownSku;

beforeAll(async () => {
  fresh = await freshDatabase('rounds-api');
  issuer = await localIssuer();
  const env = {
    ...issuer.env,
    ORDERS_DATABASE_URL: fresh.url,
    REDIS_URL: engines().redisUrl,
    KAFKA_BROKERS: '127.0.0.1:1',
    CURSOR_SECRET: 'a secret of the test that is long enough',
    PAYMENT_PROVIDER: 'sandbox',
    PAYMENTS_PROVIDER_URL: 'http://127.0.0.1:1',
    PAYMENTS_PROVIDER_KEY: 'sk_test',
    PAYMENTS_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    LOG_LEVEL: 'error',
  };
  await migrateService(ordersService, env);
  services = await bootServices([ordersService], { env, port: 0 });
  database = openDatabase({ url: fresh.url, applicationName: 'rounds-api' });
  sku = await knownSku(database, newId('sku'));
});

afterAll(async () => {
  await services?.close();
  await database?.close();
  await fresh.drop();
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, never> & { items?: { id: string }[]; id?: string; code?: string; nextCursor?: string };
  readonly headers: Headers;
}

async function call(
  role: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const sub =
    role === 'merchant'
      ? idFromUuid('merchant', sku.merchantId)
      : role === 'other-merchant'
        ? newId('merchant')
        : `${role}_1`;
  const token = await issuer.mint({ sub, roles: [role === 'other-merchant' ? 'merchant' : role] });
  const response = await fetch(`${services.url}/orders/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'], headers: response.headers };
}

const key = (): Record<string, string> => ({ 'idempotency-key': newUuid() });

it('creates a series, generates its rounds, and lets an operator run one', async () => {
  const made = await call('operator', 'POST', '/series', seriesBody([sku.wireId], { autoApprove: false }), key());
  expect(made).toMatchObject({ status: 201, body: { status: 'ACTIVE', version: 1, roundsAhead: 3 } });
  const seriesId = made.body.id!;
  const list = (role: string, more = '') => call(role, 'GET', `/rounds?seriesId=${seriesId}${more}`);
  const { body } = await eventually(async () => {
    const answer = await list('operator');
    expect(answer.body.items).toHaveLength(3);
    return answer;
  });
  expect((await list('buyer')).body.items).toEqual([]);
  expect((await list('other-merchant')).body.items).toEqual([]);
  expect((await list('merchant')).body.items).toHaveLength(3);
  const roundId = body.items![0]!.id;
  expect((await call('buyer', 'GET', `/rounds/${roundId}`)).status).toBe(404);

  const page = await list('operator', '&limit=2');
  expect(page.body.items).toHaveLength(2);
  expect((await list('operator', `&limit=2&cursor=${page.body.nextCursor}`)).body.items).toHaveLength(1);
  expect((await call('buyer', 'GET', `/rounds?cursor=${page.body.nextCursor}`)).body.code).toBe('invalid-cursor');

  expect((await call('operator', 'PUT', `/rounds/${roundId}/approval`)).body.code).toBe('precondition-required');
  expect((await call('operator', 'PUT', `/rounds/${roundId}/approval`, undefined, { 'if-match': '"9"' })).status).toBe(
    412,
  );
  const approved = await call('operator', 'PUT', `/rounds/${roundId}/approval`, undefined, { 'if-match': '"1"' });
  expect(approved).toMatchObject({ status: 200, body: { status: 'APPROVED', stopped: false } });
  expect(approved.headers.get('etag')).toBe('"2"');
  const seen = await call('buyer', 'GET', `/rounds/${roundId}`);
  expect(seen).toMatchObject({ status: 200, body: { items: [{ available: 100, quota: 100 }] } });
  expect(seen.body.items![0]).not.toHaveProperty('held');

  expect((await call('operator', 'PUT', `/rounds/${roundId}/stop-sale`, {})).status).toBe(400);
  expect((await call('operator', 'PUT', `/rounds/${roundId}/stop-sale`, { reason: 'wrong price' })).body).toMatchObject(
    { stopped: true },
  );
  expect((await call('operator', 'DELETE', `/rounds/${roundId}/stop-sale`)).body).toMatchObject({ stopped: false });
  expect((await call('operator', 'GET', `/rounds/${roundId}/conservation`)).body).toMatchObject({
    ok: true,
    items: [{ gate: null, gateAbsence: 'not-on-sale', postgres: { quota: 100, available: 100 } }],
  });
  expect((await call('operator', 'PUT', `/rounds/${roundId}/cancellation`, { reason: 'rain' })).body).toMatchObject({
    status: 'CANCELLED',
  });
  // The public's view may be a moment old.
  await eventually(async () =>
    expect((await call('buyer', 'GET', `/rounds/${roundId}`)).body).toMatchObject({ status: 'CANCELLED' }),
  );

  const opensAt = new Date(Date.now() + 60_000).toISOString();
  const extra = { opensAt, closesAt: new Date(Date.now() + 90_000).toISOString(), approve: true };
  expect(await call('operator', 'POST', `/series/${seriesId}/rounds`, extra, key())).toMatchObject({
    status: 201,
    body: { status: 'APPROVED' },
  });
  expect(
    (await call('operator', 'PUT', `/series/${seriesId}/pause`, undefined, { 'if-match': '"1"' })).body,
  ).toMatchObject({ status: 'PAUSED' });
  expect(
    (await call('operator', 'DELETE', `/series/${seriesId}/pause`, undefined, { 'if-match': '"2"' })).body,
  ).toMatchObject({ status: 'ACTIVE' });
  expect((await call('operator', 'GET', `/series/${seriesId}`)).body).toMatchObject({ version: 3 });
  expect((await call('operator', 'GET', '/series?limit=1')).body.items).toHaveLength(1);
});

it('opens a round at its time and shows both sides of its units', async () => {
  const made = await call('operator', 'POST', '/series', seriesBody([sku.wireId], { roundsAhead: 1 }), key());
  const at = (ms: number): string => new Date(Date.now() + ms).toISOString();
  const extra = { opensAt: at(700), closesAt: at(60_000), approve: true };
  const round = await call('operator', 'POST', `/series/${made.body.id}/rounds`, extra, key());
  await eventually(async () =>
    expect((await call('buyer', 'GET', `/rounds/${round.body.id}`)).body).toMatchObject({ status: 'OPEN' }),
  );
  expect((await call('operator', 'GET', `/rounds/${round.body.id}/conservation`)).body).toMatchObject({
    ok: true,
    items: [{ drift: 0, exact: true, gate: { state: 'open', available: 100, claimed: 0 } }],
  });
});

it('answers a repeated key the same, and another request under it with 422', async () => {
  const body = seriesBody([sku.wireId], { roundsAhead: 1 });
  const headers = key();
  const first = await call('operator', 'POST', '/series', body, headers);
  const again = await call('operator', 'POST', '/series', body, headers);
  expect([again.status, again.body, again.headers.get('idempotent-replayed')]).toEqual([201, first.body, 'true']);
  const other = await call('operator', 'POST', '/series', { ...body, title: 'Other' }, headers);
  expect([other.status, other.body.code]).toEqual([422, 'idempotency-key-reused']);
  const at = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();
  const extra = { opensAt: at(3_600), closesAt: at(3_660), approve: false };
  const rounds = `/series/${first.body.id}/rounds`;
  const made = await call('operator', 'POST', rounds, extra, headers);
  expect((await call('operator', 'POST', rounds, extra, headers)).body).toEqual(made.body);
  expect(made.status).toBe(201);
});

it('keeps a record of what operators do, with their reasons', async () => {
  const made = await call('operator', 'POST', '/series', seriesBody([sku.wireId], { roundsAhead: 1 }), key());
  const at = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();
  const extra = { opensAt: at(3_600), closesAt: at(3_660), approve: false };
  const round = await call('operator', 'POST', `/series/${made.body.id}/rounds`, extra, key());
  const path = `/rounds/${round.body.id}`;
  const version = { 'if-match': '"1"' };
  expect((await call('operator', 'PUT', `${path}/approval`, undefined, version)).status).toBe(200);
  expect((await call('operator', 'PUT', `${path}/stop-sale`, { reason: 'wrong price' })).status).toBe(200);
  expect((await call('operator', 'DELETE', `${path}/stop-sale`)).status).toBe(200);
  expect((await call('operator', 'PUT', `${path}/approval`, undefined, { 'if-match': '"9"' })).status).toBe(200);
  expect((await call('operator', 'PUT', `${path}/cancellation`, { reason: 'rain' })).status).toBe(200);
  // A refusal leaves no record.
  expect((await call('operator', 'DELETE', `${path}/stop-sale`)).status).toBe(409);
  const records = await database.query<{ operation: string; reason: string | null; sub: string }>(
    'select operation, reason, sub from audit_log where object_id = $1 order by id',
    [round.body.id],
  );
  expect(records.map(({ operation, reason, sub }) => [operation, reason, sub])).toEqual([
    ['createRound', null, 'operator_1'],
    ['approveRound', null, 'operator_1'],
    ['stopSale', 'wrong price', 'operator_1'],
    ['resumeSale', null, 'operator_1'],
    ['approveRound', null, 'operator_1'],
    ['cancelRound', 'rain', 'operator_1'],
  ]);
});

it('takes amounts up to their edges, and refuses larger ones when the series is made', async () => {
  const body = seriesBody([sku.wireId]);
  const withItem = (item: object): object => ({ ...body, items: [{ ...body.items[0], ...item }] });
  const price = (amount: number, currency = 'CNY'): { price: object } => ({ price: { amount, currency } });
  const create = (item: object): Promise<Answer> => call('operator', 'POST', '/series', withItem(item), key());
  for (const item of [
    price(0),
    price(1),
    { ...price(1_000_000_000_000), perOrderLimit: 9_007 },
    { ...price(90_071_992_547), perOrderLimit: 100_000 },
  ]) {
    expect([(await create(item)).status, item]).toEqual([201, item]);
  }
  for (const item of [
    price(-1),
    price(0.5),
    price(1_000_000_000_001),
    price(1, 'KRW'),
    { ...price(1_000_000_000_000), perOrderLimit: 9_008 },
    { ...price(90_071_992_548), perOrderLimit: 100_000 },
  ]) {
    const answer = await create(item);
    expect([answer.status, answer.body.code, item]).toEqual([400, 'invalid-request', item]);
  }
  const beyond = await create({ ...price(1_000_000_000_000), perOrderLimit: 9_008 });
  expect(beyond.body['errors']).toMatchObject([{ pointer: '/items/0/price/amount' }]);
  const foreign = await create(price(1, 'JPY'));
  expect(foreign.body['errors']).toMatchObject([{ pointer: '/items/0/price/currency' }]);
});

it('keeps the order in which claims of an opening are admitted, first come unless told otherwise', async () => {
  const create = (more: object): Promise<Answer> =>
    call('operator', 'POST', '/series', { ...seriesBody([sku.wireId]), ...more }, key());
  for (const [more, admissionOrder] of [
    [{}, 'FIRST_COME'],
    [{ admissionOrder: 'FIRST_COME' }, 'FIRST_COME'],
    [{ admissionOrder: 'DRAW' }, 'DRAW'],
  ] as const) {
    const created = await create(more);
    expect([created.status, created.body]).toMatchObject([201, { admissionOrder }]);
    expect((await call('operator', 'GET', `/series/${created.body.id}`)).body).toMatchObject({ admissionOrder });
  }
  for (const admissionOrder of ['draw', 'LOTTERY', '', 1]) {
    expect((await create({ admissionOrder })).body.code).toBe('invalid-request');
  }
});

it('refuses other callers and invalid input', async () => {
  const body = seriesBody([sku.wireId]);
  for (const role of ['buyer', 'merchant', 'anchor', 'service']) {
    expect((await call(role, 'POST', '/series', body, key())).status).toBe(403);
  }
  expect((await call('operator', 'POST', '/series', body)).body.code).toBe('idempotency-key-missing');
  const bad: unknown[] = [
    { ...body, extra: 1 },
    { ...body, items: [] },
    { ...body, items: [{ ...body.items[0], quota: 1.5 }] },
    { ...body, items: [{ ...body.items[0], price: null }] },
    { ...body, items: [{ ...body.items[0], price: { amount: -1, currency: 'CNY' } }] },
    { ...body, items: [null] },
    { ...body, items: 'many' },
    { ...body, recurrence: { everySeconds: 1, openForSeconds: 1 } },
    { ...body, recurrence: [] },
    { ...body, recurrence: { everySeconds: 60, openForSeconds: 60, dailyFrom: '25:00' } },
    { ...body, recurrence: { everySeconds: 60, openForSeconds: 60, startsAt: '2026-13-45T00:00:00Z' } },
    { ...body, title: ' ' },
    { ...body, title: 'a\u0000b' },
    { ...body, timeZone: 'Nowhere' },
    [],
    'text',
    null,
  ];
  for (const each of bad) {
    const answer = await call('operator', 'POST', '/series', each, key());
    expect([answer.status, answer.body.code, each]).toEqual([400, 'invalid-request', each]);
  }
  expect((await call('operator', 'POST', '/series', seriesBody([newId('sku')]), key())).body.code).toBe('sku-unknown');
  for (const path of [
    '/rounds/x',
    `/rounds/${newId('round')}`,
    `/rounds/${newId('order')}`,
    `/series/${newId('series')}`,
  ]) {
    expect((await call('operator', 'GET', path)).body.code).toBe('not-found');
  }
  for (const query of ['status=NONE', 'from=yesterday', 'seriesId=x', 'limit=0', 'unknown=1']) {
    expect((await call('operator', 'GET', `/rounds?${query}`)).body.code).toBe('invalid-request');
  }
  expect((await call('buyer', 'GET', `/rounds/${newId('round')}/conservation`)).status).toBe(403);
});
