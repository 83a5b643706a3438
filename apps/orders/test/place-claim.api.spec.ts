// Goal: the claim as a client meets it, over HTTP and gRPC: its answer, its repeats, each of its refusals, and what it
// costs Postgres. Method: the orders service on real Postgres and Redis; sales are written into its tables; Kafka and the
// payment provider are out of reach throughout.
import {
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { PROTO_LOADER_OPTIONS, protoPackage } from '@gravity/contracts';
import { openApiDocument } from '@gravity/http';
import type { RunningServices } from '@gravity/service';
import { idFromUuid, newId, newUuid, uuidFromId } from '@gravity/kernel';
import type { Database } from '@gravity/persistence';
import { eventually } from '@gravity/testing';
import { Ajv2020 } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { GateKeeper } from '../src/gate/gate-keeper';
import { SOLD_OUT_FLAG_MS } from '../src/gate/gate-scripts';
import { type Answer, type Claim, ClaimsService, roundIdOf } from './support/claims-service';
import type { Sale, SaleOptions } from './support/sale-fixture';

const PRICE_MINOR = 149_900;
const RUSH = 256;
const STATEMENTS_PER_ORDER_MAX = 0.5;

let service: ClaimsService;
let services: RunningServices;
let database: Database;

beforeAll(async () => {
  service = await ClaimsService.start('place-claim-api');
  ({ services, database } = service);
});

afterAll(async () => service?.stop());

const claim = (...request: Parameters<ClaimsService['claim']>): Promise<Answer> => service.claim(...request);
const call = (...request: Parameters<ClaimsService['call']>): Promise<Answer> => service.call(...request);
const onSale = (options: SaleOptions = {}): Promise<Sale> => service.onSale(options);

let buyers = 0;
const newBuyer = (): string => `b_${(buyers += 1)}`;
const orderCount = async (sale: Sale): Promise<number> =>
  (await database.query<{ n: number }>('select count(*)::int as n from orders where round_id = $1', [sale.roundId]))[0]!
    .n;

describe('accepted', () => {
  it('answers 201 with the order of the API document', async () => {
    const sale = await onSale();
    const buyer = newBuyer();
    const { status: code, body } = await claim(sale, buyer, {
      expectedTotal: { amount: PRICE_MINOR, currency: 'CNY' },
    });
    expect(code).toBe(201);
    const document = JSON.parse(JSON.stringify(openApiDocument(services.app))) as {
      paths: Record<string, { post: { responses: Record<string, { content: Record<string, { schema: object }> }> } }>;
      components: object;
    };
    const { schema } =
      document.paths['/orders/v1/rounds/{roundId}/claims']!.post.responses['201']!.content['application/json']!;
    const ajv = new Ajv2020({ strict: false });
    addFormats(ajv);
    const validate = ajv.compile({ ...schema, components: document.components });
    expect([validate(body), validate.errors]).toEqual([true, null]);
    expect(body).toMatchObject({
      status: 'AWAITING_PAYMENT',
      buyerId: buyer,
      quantity: 1,
      total: { amount: PRICE_MINOR, currency: 'CNY' },
    });
    // It is committed before it is answered.
    const rows = await database.query('select 1 from orders where order_id = $1', [uuidFromId('order', body.orderId)]);
    expect(rows).toHaveLength(1);
    expect((await call(buyer, 'GET', `/orders/${body.orderId}`)).body).toEqual(body);
  });

  it('answers the same request the same way, and another one under its key with 422', async () => {
    const sale = await onSale({ perOrderLimit: 2, perBuyerLimit: 2 });
    const [buyer, key] = [newBuyer(), newUuid()];
    const first = await claim(sale, buyer, { key });
    const again = await claim(sale, buyer, { key });
    expect([first.status, again.status]).toEqual([201, 201]);
    expect([first.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([
      null,
      'true',
    ]);
    expect(again.body).toEqual(first.body);
    expect(await claim(sale, buyer, { key, quantity: 2 })).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
    // Another buyer may use the same key.
    expect((await claim(sale, newBuyer(), { key })).body.orderId).not.toBe(first.body.orderId);
    expect(await orderCount(sale)).toBe(2);
  });

  it('returns at once the unit of a key that is reused for another sale', async () => {
    const [first, second] = [await onSale({ quotas: [1] }), await onSale({ quotas: [1] })];
    const [buyer, key] = [newBuyer(), newUuid()];
    expect((await claim(first, buyer, { key })).status).toBe(201);
    expect(await claim(second, buyer, { key })).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
    // The second sale's only unit is still free, and its gate agrees with Postgres.
    await eventually(async () => expect((await claim(second, newBuyer(), { key: newUuid() })).status).toBe(201));
    expect((await claim(first, buyer, { key })).headers.get('idempotent-replayed')).toBe('true');
  });

  it('places one order for simultaneous copies of a request', async () => {
    const sale = await onSale({ perBuyerLimit: 5 });
    const [buyer, key] = [newBuyer(), newUuid()];
    const answers = await Promise.all(Array.from({ length: 8 }, () => claim(sale, buyer, { key })));
    expect(new Set(answers.map(({ body }) => body.orderId)).size).toBe(1);
    expect(await orderCount(sale)).toBe(1);
  });

  it('still answers the accepted claim after the units are gone, after the close, and after the order expired', async () => {
    const sale = await onSale({ quotas: [1] });
    const [buyer, key] = [newBuyer(), newUuid()];
    const { body } = await claim(sale, buyer, { key });
    expect((await claim(sale, newBuyer())).body.code).toBe('sold-out');
    const repeated = async (): Promise<void> => {
      const again = await claim(sale, buyer, { key });
      expect([again.status, again.body.orderId, again.headers.get('idempotent-replayed')]).toEqual([
        201,
        body.orderId,
        'true',
      ]);
    };
    await repeated();
    const orderId = uuidFromId('order', body.orderId)!;
    await database.query(
      `update orders set status = 'CLOSED', close_reason = 'EXPIRED', closed_at = now(), expires_at = now() where order_id = $1`,
      [orderId],
    );
    await repeated();
    await database.query(`update rounds set status = 'CLOSED' where round_id = $1`, [sale.roundId]);
    await eventually(async () => expect((await claim(sale, newBuyer())).body.code).toBe('round-closed'));
    await repeated();
  });
});

it('decides without a gate only when no sold-out flag of the earlier gate can stand', async () => {
  const sale = await onSale();
  await services.app.get(GateKeeper, { strict: false }).goDirect(sale.seriesId, undefined, 'for the test');
  expect((await claim(sale, newBuyer())).status).toBe(201);
  const [row] = await database.query<{ ms: number }>(
    `select extract(epoch from o.placed_at - s.admission_changed_at)::float8 * 1000 as ms
     from orders o join series s using (series_id) where o.round_id = $1`,
    [sale.roundId],
  );
  // The order's time is Postgres' as this process knows it: a few milliseconds may be missing.
  expect(row!.ms).toBeGreaterThan(SOLD_OUT_FLAG_MS - 50);
});

describe('refused', () => {
  const refusal = async (sale: Sale, code: string, options: Claim & { buyer?: string } = {}): Promise<Answer> => {
    const answer = await claim(sale, options.buyer ?? newBuyer(), options);
    expect([answer.status, answer.body.code, answer.headers.get('content-type')]).toEqual([
      409,
      code,
      'application/problem+json; charset=utf-8',
    ]);
    return answer;
  };

  it('before the opening, with the time of it', async () => {
    const sale = await onSale({ status: 'APPROVED', opensInSeconds: 600 });
    const { body, headers } = await refusal(sale, 'round-not-open');
    expect(Date.parse(body.opensAt)).toBeGreaterThan(Date.parse(body.serverTime));
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(590);
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(600);
    expect(body.retryable).toBe(true);
  });

  it('after the close', async () => {
    for (const closed of ['CLOSED', 'SETTLED', 'CANCELLED'])
      await refusal(await onSale({ status: closed }), 'round-closed');
  });

  it('when everything is taken', async () => {
    const sale = await onSale({ quotas: [1] });
    expect((await claim(sale, newBuyer())).status).toBe(201);
    // The first answer comes from the gate, later ones from this process' own flag.
    for (let time = 0; time < 3; time += 1) await refusal(sale, 'sold-out');
    expect(await orderCount(sale)).toBe(1);
  });

  it('beyond the limit of an order and of a buyer', async () => {
    const sale = await onSale({ perOrderLimit: 2, perBuyerLimit: 3 });
    const buyer = newBuyer();
    expect((await refusal(sale, 'limit-reached', { quantity: 3 })).body.perOrderLimit).toBe(2);
    expect((await claim(sale, buyer, { quantity: 2 })).status).toBe(201);
    await refusal(sale, 'limit-reached', { quantity: 2, buyer });
    expect((await claim(sale, buyer)).status).toBe(201);
  });

  it('to a buyer who has won as often as the series allows', async () => {
    const sale = await onSale({ winLimit: 1, perBuyerLimit: 5 });
    const buyer = newBuyer();
    expect((await claim(sale, buyer)).status).toBe(201);
    await refusal(sale, 'already-won', { buyer });
  });

  it('where it is not delivered', async () => {
    await refusal(await onSale({ regions: ['CN-31'] }), 'not-deliverable');
  });

  it('while the sale is stopped', async () => {
    const sale = await onSale();
    const stopped = await call('op_1', 'PUT', `/rounds/${roundIdOf(sale)}/stop-sale`, {
      role: 'operator',
      body: { reason: 'wrong price' },
    });
    expect(stopped.status).toBe(200);
    await refusal(sale, 'sale-stopped');
  });

  it('at another price than the buyer saw, with the new total', async () => {
    const { body } = await refusal(await onSale(), 'price-changed', { expectedTotal: { amount: 1, currency: 'CNY' } });
    expect(body.total).toEqual({ amount: PRICE_MINOR, currency: 'CNY' });
  });

  it('for a round or an item that does not exist', async () => {
    const sale = await onSale();
    const body = { itemId: newId('item'), quantity: 1, regionCode: 'CN-11' };
    for (const round of [roundIdOf(sale), newId('round'), 'x'])
      expect((await call(newBuyer(), 'POST', `/rounds/${round}/claims`, { body, key: newUuid() })).body.code).toBe(
        'not-found',
      );
  });
});

it('accepts a rush at less than half a statement for each order', async () => {
  const sale = await onSale({ quotas: [RUSH * 2] });
  const statements = async (): Promise<number> => {
    const text = await (await fetch(`${services.url}/metrics`)).text();
    const found = /^\w*sql_statements(?:\{[^}]*\})? (\d+)/m.exec(text);
    if (found === null) throw new Error('there is no metric of SQL statements');
    return Number(found[1]);
  };
  const rush = (): Promise<Answer[]> => Promise.all(Array.from({ length: RUSH }, () => claim(sale, newBuyer())));
  await rush();
  const before = await statements();
  const answers = await rush();
  const perOrder = ((await statements()) - before) / RUSH;
  expect(answers.filter(({ status: code }) => code === 201)).toHaveLength(RUSH);
  // Sweeps in the background are counted too, and still it stays below.
  expect(perOrder).toBeLessThanOrEqual(STATEMENTS_PER_ORDER_MAX);
  expect(await orderCount(sale)).toBe(2 * RUSH);
});

it('gives a returned unit a second chance', async () => {
  const sale = await onSale({ quotas: [1] });
  const buyer = newBuyer();
  const { body } = await claim(sale, buyer);
  expect((await claim(sale, newBuyer())).body.code).toBe('sold-out');
  expect((await call(buyer, 'POST', `/orders/${body.orderId}/cancellation`, { key: newUuid() })).body).toMatchObject({
    status: 'CLOSED',
  });
  const second = await eventually(async () => {
    const answer = await claim(sale, newBuyer());
    expect(answer.status).toBe(201);
    return answer.body;
  });
  expect(second.orderId).not.toBe(body.orderId);
  const [item] = await database.query<{ held: number; quota: number }>(
    'select held, quota from round_items where item_id = $1',
    [sale.itemIds[0]],
  );
  expect(item).toEqual({ held: 1, quota: 1 });
});

it('tells the progress of one order until it is over', async () => {
  const sale = await onSale();
  const buyer = newBuyer();
  const { body } = await claim(sale, buyer);
  const token = await service.issuer.mint({ sub: buyer, roles: ['buyer'] });
  const stop = new AbortController();
  const response = await fetch(`${services.url}/orders/v1/orders/${body.orderId}/events`, {
    headers: { authorization: `Bearer ${token}` },
    signal: stop.signal,
  });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  const whole = response.text();
  await call(buyer, 'POST', `/orders/${body.orderId}/cancellation`, { key: newUuid() });
  // The stream ends by itself when the order is closed.
  const told = [...(await whole).matchAll(/^data: (.*)$/gm)].map(
    (match) => JSON.parse(match[1]!) as { status: string; version: number },
  );
  expect([told[0]!.status, told.at(-1)!.status]).toEqual(['AWAITING_PAYMENT', 'CLOSED']);
  expect(told.map(({ version }) => version)).toEqual([...told.map(({ version }) => version)].sort((a, b) => a - b));
  const later = await fetch(`${services.url}/orders/v1/orders/${body.orderId}/events`, {
    headers: { authorization: `Bearer ${token}`, 'last-event-id': String(told.at(-1)!.version) },
  });
  expect(later.status).toBe(204);
});

describe('over gRPC', () => {
  let client: Client;

  beforeAll(() => {
    const { protoPath, includeDirs } = protoPackage('orders');
    const loaded = loadPackageDefinition(
      loadSync(protoPath, { ...PROTO_LOADER_OPTIONS, includeDirs: [...includeDirs] }),
    );
    const { v1 } = (loaded['gravity'] as unknown as { orders: { v1: { ClaimService: ServiceClientConstructor } } })
      .orders;
    client = new v1.ClaimService(services.grpcUrl!, credentials.createInsecure());
  });
  afterAll(() => client?.close());

  async function place(
    sale: Sale,
    buyer: string,
    more: object = {},
  ): Promise<{ error: ServiceError | null; body: Answer['body'] }> {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${await service.issuer.mint({ sub: buyer, roles: ['buyer'] })}`);
    const request = {
      roundId: roundIdOf(sale),
      itemId: idFromUuid('item', sale.itemIds[0]!),
      quantity: 1,
      regionCode: 'CN-11',
      idempotencyKey: newUuid(),
      ...more,
    };
    const method = (client as unknown as Record<string, (...args: unknown[]) => void>)['PlaceClaim']!;
    return new Promise((resolve) =>
      method.call(client, request, metadata, (error: ServiceError | null, body: unknown) => resolve({ error, body })),
    );
  }

  it('accepts, repeats, and finds the claim that came over HTTP', async () => {
    const sale = await onSale();
    const [buyer, key] = [newBuyer(), newUuid()];
    const overHttp = await claim(sale, buyer, { key });
    const again = await place(sale, buyer, { idempotencyKey: key });
    expect(again.error).toBeNull();
    expect(again.body).toMatchObject({
      replayed: true,
      order: {
        id: overHttp.body.orderId,
        status: 'ORDER_STATUS_AWAITING_PAYMENT',
        total: { amountMinor: String(PRICE_MINOR), currency: 'CNY' },
      },
    });
    expect((await place(sale, newBuyer())).body).toMatchObject({ replayed: false, order: { version: 1 } });
  });

  it('refuses with the code of REST', async () => {
    const code = async (sale: Sale, more: object = {}): Promise<unknown[]> => {
      const { error } = await place(sale, newBuyer(), more);
      return [error?.metadata.get('x-problem-code')[0], status[error?.code ?? 0]];
    };
    expect(await code(await onSale({ status: 'APPROVED', opensInSeconds: 600 }))).toEqual([
      'round-not-open',
      'FAILED_PRECONDITION',
    ]);
    expect(await code(await onSale({ status: 'CLOSED' }))).toEqual(['round-closed', 'FAILED_PRECONDITION']);
    expect(await code(await onSale({ regions: ['US'] }))).toEqual(['not-deliverable', 'FAILED_PRECONDITION']);
    const sale = await onSale({ quotas: [1] });
    expect(await code(sale, { expectedTotal: { amountMinor: '1', currency: 'CNY' } })).toEqual([
      'price-changed',
      'FAILED_PRECONDITION',
    ]);
    expect(await code(sale, { quantity: 2 })).toEqual(['limit-reached', 'FAILED_PRECONDITION']);
    expect(await code(sale, { quantity: 0 })).toEqual(['invalid-request', 'INVALID_ARGUMENT']);
    expect(await code(sale, { idempotencyKey: '' })).toEqual(['idempotency-key-missing', 'INVALID_ARGUMENT']);
    expect((await place(sale, newBuyer())).error).toBeNull();
    expect(await code(sale)).toEqual(['sold-out', 'RESOURCE_EXHAUSTED']);
  });
});
