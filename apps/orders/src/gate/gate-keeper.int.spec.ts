// Goal: with any content of Redis, the gate in force is issued by Postgres and filled from Postgres.
import { newUuid, sleep, systemClock } from '@gravity/kernel';
import { type Database, migrate, openDatabase } from '@gravity/persistence';
import { engines, freshDatabase, type FreshDatabase } from '@gravity/testing';
import { createSale, type Sale } from '../../test/support/sale-fixture';
import { ordersMigrations } from '../storage/migrations';
import { GateConnection } from './gate-connection';
import { GateKeeper } from './gate-keeper';
import { SOLD_OUT_FLAG_MS } from './gate-scripts';
import { RedisGate } from './redis-gate';
import { ReturnsWorker } from './returns-worker';

let fresh: FreshDatabase;
let database: Database;
let connection: GateConnection;
let gate: RedisGate;
let keeper: GateKeeper;
let returns: ReturnsWorker;

beforeAll(async () => {
  fresh = await freshDatabase('keeper');
  await migrate({ url: fresh.url, service: 'orders', migrations: ordersMigrations });
  database = openDatabase({ url: fresh.url, applicationName: 'keeper-spec' });
  connection = new GateConnection({ url: engines().redisUrl });
  connection.start();
  while (connection.runId === undefined) await sleep(10);
  gate = new RedisGate(connection);
  returns = new ReturnsWorker(database, gate);
  keeper = new GateKeeper(database, connection, gate, returns, systemClock);
});

afterAll(async () => {
  await connection.stop();
  await database.close();
  await fresh.drop();
});

const epochOf = async (sale: Sale): Promise<bigint> => {
  const [row] = await database.query<{ epoch: number }>(`select epoch from series where series_id = $1`, [
    sale.seriesId,
  ]);
  return BigInt(row!.epoch);
};
const view = async (sale: Sale): ReturnType<RedisGate['view']> => gate.view(sale.seriesId, sale.itemIds[0]!);

it('fills the gate under a new epoch, once for callers who saw the same one', async () => {
  const sale = await createSale(database, { quotas: [7] });
  expect(await Promise.all([keeper.load(sale.seriesId, 0n), keeper.load(sale.seriesId, 0n)])).toEqual([true, true]);
  expect(await keeper.load(sale.seriesId, 0n)).toBe(true);
  expect(await epochOf(sale)).toBe(1n);
  expect(await view(sale)).toMatchObject({ epoch: 1n, state: 'open', available: 7, claimed: 0 });
});

it('goes past an epoch that Postgres has lost and Redis has kept', async () => {
  const sale = await createSale(database, { quotas: [7] });
  await keeper.load(sale.seriesId);
  await keeper.load(sale.seriesId);
  await keeper.load(sale.seriesId);
  // A standby without the last loads is promoted.
  await database.query(`update series set epoch = 1 where series_id = $1`, [sale.seriesId]);
  await database.query(`update round_items set epoch = 1, quota = 5 where series_id = $1`, [sale.seriesId]);
  expect(await keeper.load(sale.seriesId, 1n)).toBe(true);
  expect(await epochOf(sale)).toBe(4n);
  expect(await view(sale)).toMatchObject({ epoch: 4n, state: 'open', available: 5 });
});

it('switches a series to DIRECT admission only for a caller who saw the epoch in force', async () => {
  const sale = await createSale(database, { quotas: [1] });
  await keeper.load(sale.seriesId);
  await keeper.goDirect(sale.seriesId, 0n, 'an old complaint');
  expect(await epochOf(sale)).toBe(1n);
  await keeper.goDirect(sale.seriesId, 1n, 'Redis is away');
  const rows = await database.query(`select admission, epoch::int from round_items where series_id = $1`, [
    sale.seriesId,
  ]);
  expect(rows).toEqual([{ admission: 'DIRECT', epoch: 2 }]);
});

it('opens the units left by the earlier gate only when none of its sold-out flags can stand', async () => {
  const sale = await createSale(database, { quotas: [3] });
  await keeper.load(sale.seriesId);
  await keeper.load(sale.seriesId);
  const [row] = await database.query<{ ms: number }>(
    `select extract(epoch from clock_timestamp() - admission_changed_at)::float8 * 1000 as ms from series
     where series_id = $1`,
    [sale.seriesId],
  );
  expect(row!.ms).toBeGreaterThanOrEqual(SOLD_OUT_FLAG_MS);
  expect(await view(sale)).toMatchObject({ epoch: 2n, state: 'open', available: 3 });
});

it('keeps a return until the gate of the epoch in force has applied it', async () => {
  const sale = await createSale(database, { quotas: [3] });
  await keeper.load(sale.seriesId);
  const rows = async (): Promise<number> =>
    (await database.query(`select 1 from gate_returns where series_id = $1`, [sale.seriesId])).length;
  const turn = (): Promise<unknown> =>
    (returns as unknown as { turn: (signal: AbortSignal) => Promise<unknown> }).turn(new AbortController().signal);
  // An old primary answers: the gate in force was loaded into another server.
  await database.query(`update series set epoch = 2 where series_id = $1`, [sale.seriesId]);
  await database.query(`insert into gate_returns (claim_id, series_id, item_id) values ($1, $2, $3)`, [
    newUuid(),
    sale.seriesId,
    sale.itemIds[0],
  ]);
  await turn();
  expect(await rows()).toBe(1);
  await database.query(`update series set epoch = 1 where series_id = $1`, [sale.seriesId]);
  await turn();
  expect(await rows()).toBe(0);
});
