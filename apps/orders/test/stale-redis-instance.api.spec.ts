// Goal: a Redis that is restored from a snapshot, under the epoch in force, makes no buyer with an order hear "sold
// out". Method: a replica promoted with a snapshot from before the last sale; a waiting question is asked there while
// the buyer repeats the claim.
import { newUuid } from '@gravity/kernel';
import { eventually, freshRedis, type RedisHandle, TcpProxy } from '@gravity/testing';
import { GateConnection } from '../src/gate/gate-connection';
import { SOLD_OUT_FLAG_MS } from '../src/gate/gate-scripts';
import { type Answer, ClaimsService } from './support/claims-service';

let primary: RedisHandle;
let replica: RedisHandle;
let proxy: TcpProxy;
let service: ClaimsService;

const portOf = ({ url }: RedisHandle): number => Number(new URL(url).port);

beforeAll(async () => {
  [primary, replica] = await Promise.all([freshRedis(), freshRedis()]);
  proxy = await TcpProxy.start({ targetPort: portOf(primary) });
  service = await ClaimsService.start('stale-redis-instance', { REDIS_URL: proxy.through(primary.url) });
});

afterAll(async () => {
  await service?.stop();
  await proxy?.close();
  await Promise.all([primary?.stop(), replica?.stop()]);
});

it('answers a buyer from Postgres while a stale Redis says sold out', async () => {
  const connection = service.services.app.get(GateConnection, { strict: false });
  await eventually(() => expect(connection.runId).toBeDefined());
  const sale = await service.onSale({ quotas: [1] });
  const first = await service.claim(sale, 'b_first');
  expect(first.status).toBe(201);
  expect((await service.claim(sale, 'b_late')).body.code).toBe('sold-out');
  // The unit belongs to a buyer whose order closes. So the snapshot says sold out and lacks the next buyer.
  await replica.rewind(await primary.snapshot());
  const cancelled = await service.call('b_first', 'POST', `/orders/${first.body.orderId}/cancellation`, {
    key: newUuid(),
  });
  expect(cancelled.status).toBe(200);
  const key = newUuid();
  let bought!: Answer;
  await eventually(async () => {
    bought = await service.claim(sale, 'b_buyer', { key });
    expect(bought.status).toBe(201);
  });

  proxy.retarget(portOf(replica));
  await eventually(() => expect(connection.runId).toBeUndefined());
  // Waits for the connection, and is asked through the new one as soon as there is one.
  const late = service.claim(sale, 'b_late');
  const repeats: Answer[] = [];
  let over = false;
  void late.finally(() => setTimeout(() => (over = true), 2 * SOLD_OUT_FLAG_MS));
  do repeats.push(await service.claim(sale, 'b_buyer', { key }));
  while (!over);
  expect((await late).body.code).toBe('sold-out');
  expect(new Set(repeats.map(({ body }) => body.code ?? body.orderId))).toEqual(new Set([bought.body.orderId]));
});
