// The rounds part of the orders service on real engines, wired as its module wires it, for specs below the API.
import { type Problem, ProblemError } from '@gravity/contracts';
import { type CallerIdentity, valueOrThrow, VersionMatch } from '@gravity/http';
import { err, newId, newUuid, ok, type Result, systemClock, toRfc3339, uuidFromId } from '@gravity/kernel';
import { KafkaEventBus, OutboxRelay } from '@gravity/messaging';
import { type Database, migrate, openDatabase } from '@gravity/persistence';
import type { Write } from '@gravity/service';
import { engines, eventually, freshDatabase, type FreshDatabase } from '@gravity/testing';
import { GateConnection } from '../../src/gate/gate-connection';
import { GateKeeper } from '../../src/gate/gate-keeper';
import { RedisGate } from '../../src/gate/redis-gate';
import { ReturnsWorker } from '../../src/gate/returns-worker';
import { RoundCommand } from '../../src/round-command';
import { ordersMigrations } from '../../src/storage/migrations';
import { AdvanceRound } from '../../src/use-cases/advance-round/advance-round.use-case';
import { ApproveRound } from '../../src/use-cases/approve-round/approve-round.use-case';
import { CancelRound } from '../../src/use-cases/cancel-round/cancel-round.use-case';
import { CreateRound } from '../../src/use-cases/create-round/create-round.use-case';
import type { CreateSeriesBody } from '../../src/use-cases/create-series/create-series.dto';
import { CreateSeries } from '../../src/use-cases/create-series/create-series.use-case';
import { ConservationCheck } from '../../src/use-cases/get-conservation/conservation-check';
import { GetConservation } from '../../src/use-cases/get-conservation/get-conservation.use-case';
import { PauseSeries } from '../../src/use-cases/pause-series/pause-series.use-case';
import { Reconcile } from '../../src/use-cases/reconcile/reconcile.use-case';
import { ResumeSale } from '../../src/use-cases/resume-sale/resume-sale.use-case';
import { StopSale } from '../../src/use-cases/stop-sale/stop-sale.use-case';
import { ConservationWatch } from '../../src/workers/conservation-watch';
import { RoundGenerator } from '../../src/workers/round-generator';
import { RoundLifecycle } from '../../src/workers/round-lifecycle';

export const OPERATOR: CallerIdentity = { sub: 'op_1', roles: new Set(['operator'] as const), roleMask: 8 };

/** One process' worth of objects over shared engines. */
export function roundsProcess(database: Database, keeper: GateKeeper, relay: OutboxRelay) {
  const advance = new AdvanceRound(database, keeper, relay);
  const lifecycle = new RoundLifecycle(database, keeper, advance);
  const generator = new RoundGenerator(database, relay, lifecycle);
  const command = new RoundCommand(relay, lifecycle);
  const check = new ConservationCheck(database, keeper);
  const stopSale = new StopSale(database, command, keeper, relay);
  return {
    advance,
    lifecycle,
    generator,
    check,
    stopSale,
    createSeries: new CreateSeries(generator),
    pauseSeries: new PauseSeries(generator),
    createRound: new CreateRound(relay, lifecycle),
    approve: new ApproveRound(command),
    cancel: new CancelRound(command, keeper),
    resumeSale: new ResumeSale(command, keeper),
    conservation: new GetConservation(database, check),
    reconcile: new Reconcile(database, keeper, check),
    watch: new ConservationWatch(database, keeper, check, stopSale),
  };
}

export interface RoundsFixture extends ReturnType<typeof roundsProcess> {
  /** Of its database. */
  readonly url: string;
  readonly database: Database;
  readonly connection: GateConnection;
  readonly gate: RedisGate;
  readonly returns: ReturnsWorker;
  readonly keeper: GateKeeper;
  readonly relay: OutboxRelay;
  /** Carries out a write as the pipeline does, without key and audit record. */
  perform<V>(write: Write<V>, ifMatch?: VersionMatch): Promise<Result<V, Problem>>;
  close(): Promise<void>;
}

/** A fresh, migrated database and a gate on the shared Redis. The relay is never started: no Kafka is needed. */
export async function roundsFixture(name: string): Promise<RoundsFixture> {
  const fresh: FreshDatabase = await freshDatabase(name);
  await migrate({ url: fresh.url, service: 'orders', migrations: ordersMigrations });
  const database = openDatabase({ url: fresh.url, applicationName: name });
  const connection = new GateConnection({ url: engines().redisUrl });
  connection.start();
  await eventually(() => expect(connection.runId).toBeDefined());
  const gate = new RedisGate(connection);
  const returns = new ReturnsWorker(database, gate);
  const keeper = new GateKeeper(database, connection, gate, returns, systemClock);
  const relay = new OutboxRelay({
    url: fresh.url,
    service: 'orders',
    bus: new KafkaEventBus({ brokers: ['127.0.0.1:1'], clientId: name, topics: [] }),
  });
  const close = async (): Promise<void> => {
    await connection.stop();
    await database.close();
    await fresh.drop();
  };
  const parts = { database, connection, gate, returns, keeper, relay };
  const perform: RoundsFixture['perform'] = (write, ifMatch) => performWrite(database, write, ifMatch);
  return { ...roundsProcess(database, keeper, relay), ...parts, url: fresh.url, perform, close };
}

async function performWrite<V>(
  database: Database,
  write: Write<V>,
  ifMatch = VersionMatch.ANY,
): Promise<Result<V, Problem>> {
  if (!('work' in write)) throw new Error('the write asks another system');
  try {
    const answer = await database.transaction(async (tx) => valueOrThrow(await write.work(tx, ifMatch)));
    await write.options.committed?.(answer);
    return ok(answer);
  } catch (error) {
    if (error instanceof ProblemError) return err(error.problem);
    throw error;
  }
}

export interface KnownSku {
  readonly skuId: string;
  readonly wireId: string;
  readonly merchantId: string;
}

/** Writes the snapshot that the catalogue's events would bring. */
export async function knownSku(database: Database, wireId: string, listed = true): Promise<KnownSku> {
  const sku = { skuId: uuidFromId('sku', wireId)!, wireId, merchantId: newUuid() };
  await database.query(
    `insert into sku_snapshots (sku_id, product_id, shop_id, merchant_id, title, attributes, price_minor, currency,
       price_version_id, listed, sequence) values ($1, $2, $3, $4, 'Bottle', '{}', 200000, 'CNY', $5, $6, 1)`,
    [sku.skuId, newUuid(), newUuid(), sku.merchantId, newUuid(), listed],
  );
  return sku;
}

/** The body of a series that sells every ten minutes for five, from an hour on: no round is near unless a spec moves it. */
export function seriesBody(skuIds: readonly string[], more: Partial<CreateSeriesBody> = {}): CreateSeriesBody {
  return {
    title: 'Ten-minute sale',
    timeZone: 'Asia/Shanghai',
    recurrence: { everySeconds: 600, openForSeconds: 300, startsAt: toRfc3339(systemClock.nowMs() + 3_600_000) },
    items: skuIds.map((skuId) => ({ skuId, quota: 100, price: { amount: 149_900, currency: 'CNY' } })),
    paymentWindowSeconds: 60,
    leftover: 'END',
    autoApprove: true,
    roundsAhead: 3,
    ...more,
  };
}

interface MadeSeries {
  readonly seriesId: string;
  readonly wireId: string;
  readonly skuIds: readonly string[];
}

/** Creates a series over SKUs of its own. */
export async function makeSeries(
  fix: RoundsFixture,
  more: Partial<CreateSeriesBody> = {},
  skus = 1,
): Promise<MadeSeries> {
  const known = await Promise.all(Array.from({ length: skus }, () => knownSku(fix.database, newId('sku'))));
  const wireIds = known.map(({ wireId }) => wireId);
  const answer = await fix.perform(fix.createSeries.execute(OPERATOR, seriesBody(wireIds, more)));
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  const { id } = answer.value;
  return { seriesId: uuidFromId('series', id)!, wireId: id, skuIds: known.map(({ skuId }) => skuId) };
}
