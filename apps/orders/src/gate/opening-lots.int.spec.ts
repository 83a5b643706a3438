// Goal: processes agree on the result of an opening's draw, however late one of them is, and say so when they cannot.
// Method: real Redis and Postgres; each process is a connection, a keeper and a clock of its own.
import { newUuid, sleep, systemClock } from '@gravity/kernel';
import { type Database, migrate, openDatabase } from '@gravity/persistence';
import { engines, freshDatabase, type FreshDatabase } from '@gravity/testing';
import { Redis } from 'ioredis';
import { createSale } from '../../test/support/sale-fixture';
import { ordersMigrations } from '../storage/migrations';
import { type Lots, OpeningDraw, type OpeningDrawOptions } from './opening-draw';
import { drawKeys } from './draw-scripts';
import { GateConnection } from './gate-connection';
import { GateKeeper } from './gate-keeper';
import { type DrawnItem, OpeningLots } from './opening-lots';
import { RedisGate } from './redis-gate';
import { ReturnsWorker } from './returns-worker';

const UNITS = 5;
const WINDOW_MS = 2_000;

let fresh: FreshDatabase;
let database: Database;
let redis: Redis;
const connections: GateConnection[] = [];

beforeAll(async () => {
  fresh = await freshDatabase('lots');
  await migrate({ url: fresh.url, service: 'orders', migrations: ordersMigrations });
  database = openDatabase({ url: fresh.url, applicationName: 'lots-spec' });
  redis = new Redis(engines().redisUrl);
});

afterAll(async () => {
  await redis.quit();
  await Promise.all(connections.map((connection) => connection.stop()));
  await database.close();
  await fresh.drop();
});

/** The parts of one process. */
async function newProcess(url = engines().redisUrl): Promise<{ lots: OpeningLots; connection: GateConnection }> {
  const connection = new GateConnection({ url });
  connections.push(connection);
  connection.start();
  if (url === engines().redisUrl) while (connection.runId === undefined) await sleep(10);
  const gate = new RedisGate(connection);
  const keeper = new GateKeeper(database, connection, gate, new ReturnsWorker(database, gate), systemClock);
  return { lots: new OpeningLots(connection, keeper), connection };
}

/** An item on sale whose gate is not loaded. */
async function newItem(quota = UNITS): Promise<DrawnItem> {
  const { seriesId, itemIds } = await createSale(database, { quotas: [quota] });
  return { seriesId, itemId: itemIds[0]!, epoch: 0n, admission: 'GATE' };
}

const drawnSoFar = (item: DrawnItem): Promise<string[]> =>
  redis.zrange(drawKeys(item.seriesId, item.itemId)[1]!, 0, -1);

/** A process that cannot ask the others. */
const ALONE: Lots = { prepare: () => Promise.resolve(), draw: () => Promise.resolve(undefined) };

it('draws the lowest ranks of all processes, as many as there are units, and says the same to all', async () => {
  const [one, other] = await Promise.all([newProcess(), newProcess()]);
  const item = await newItem();
  const closesAtMs = Date.now() + 500;
  const answers = await Promise.all([
    one.lots.draw(item, [2, 7, 9, 11, 30, 31], closesAtMs),
    other.lots.draw(item, [2, 8, 9, 40], closesAtMs),
  ]);
  expect(answers).toEqual([11, 11]);
  expect(Date.now()).toBeGreaterThanOrEqual(closesAtMs);
  expect(await drawnSoFar(item)).toEqual(['2', '7', '8', '9', '11']);
});

it('has the gate loaded before the first entry and the first turn', async () => {
  const { lots, connection } = await newProcess();
  const [early, late] = [await newItem(), await newItem()];
  await lots.prepare(early, Date.now() + 500);
  await lots.draw(late, [1], Date.now() + 500);
  for (const { seriesId, itemId } of [early, late])
    expect(await new RedisGate(connection).view(seriesId, itemId)).toMatchObject({ available: UNITS });
  expect(await drawnSoFar(early)).toEqual([]);
});

it('takes no entry after the close, and answers a late process', async () => {
  const { lots } = await newProcess();
  const item = await newItem();
  const closesAtMs = Date.now() + 300;
  expect(await lots.draw(item, [20, 21], closesAtMs)).toBe(21);
  expect(await lots.draw(item, [1, 2, 3], closesAtMs)).toBe(21);
});

it('sends no more than matters', async () => {
  const { lots, connection } = await newProcess();
  const item = await newItem();
  const closesAtMs = Date.now() + 1_000;
  await lots.prepare(item, closesAtMs);
  const before = connection.commandCount;
  await lots.draw(
    item,
    Array.from({ length: 20_000 }, (_, rank) => rank),
    closesAtMs,
  );
  // One entry of five hundred, and one or two questions for the result.
  expect(connection.commandCount - before).toBeLessThanOrEqual(3);
  expect(await drawnSoFar(item)).toHaveLength(UNITS);
});

it('draws no buyer when the data is lost, Redis is away, or has quite another time', async () => {
  const { lots } = await newProcess();
  const item = await newItem();
  const closesAtMs = Date.now() + 300;
  const lost = lots.draw(item, [1, 2], closesAtMs);
  while ((await drawnSoFar(item)).length === 0) await sleep(5);
  await redis.del(drawKeys(item.seriesId, item.itemId));
  expect(await lost).toBeUndefined();
  expect(await lots.draw(await newItem(), [1], Date.now() + 3_600_000)).toBeUndefined();
  const { lots: away } = await newProcess('redis://127.0.0.1:1');
  expect(await away.draw(item, [1], Date.now() + 300)).toBeUndefined();
});

it('leaves the gate alone while claims go through Postgres', async () => {
  const { lots, connection } = await newProcess();
  const item: DrawnItem = { ...(await newItem()), admission: 'DIRECT' };
  expect(await lots.draw(item, [1], Date.now() + 300)).toBeUndefined();
  expect(await new RedisGate(connection).view(item.seriesId, item.itemId)).toBeUndefined();
});

it('serves the same buyers first in two processes of which one is late, also when buyers ask both', async () => {
  const opened = Date.now();
  const item = await newItem();
  const draws = await Promise.all(
    [0, WINDOW_MS / 16].map(async (lateMs) => {
      const { lots } = await newProcess();
      const options: OpeningDrawOptions = {
        windowMs: WINDOW_MS,
        secret: 'a secret',
        clock: { nowMs: () => Date.now() - lateMs },
        lots,
      };
      return { draw: new OpeningDraw(options), alone: new OpeningDraw({ ...options, lots: ALONE }) };
    }),
  );
  // Of 60 buyers a third asks both, as early as they can, and the others asks either.
  const buyers = Array.from({ length: 60 }, () => newUuid());
  const asks = buyers.flatMap((buyer, number) =>
    draws.filter((_, which) => number % 3 === 2 || number % 3 === which).map(({ draw }) => ({ buyer, draw })),
  );
  const called: string[] = [];
  const turnsOf = async (draw: OpeningDraw, buyer: string, into: string[]): Promise<void> => {
    await (draw.turn(item, buyer, opened) as Promise<void>);
    into.push(buyer);
  };
  const order: string[] = [];
  await Promise.all([
    ...asks.map(({ draw, buyer }) => turnsOf(draw, buyer, called)),
    ...buyers.map((buyer) => turnsOf(draws[0]!.alone, buyer, order)),
  ]);
  const first = [...new Set(called)].slice(0, UNITS);
  expect(first.sort()).toEqual(order.slice(0, UNITS).sort());
});
