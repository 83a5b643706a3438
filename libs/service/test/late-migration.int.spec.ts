// Goal: a process that starts before its migrations are applied is not ready and handles no event. An event whose handler
// needs the new table waits, and does not become a dead letter. Method: a consumer on the real Postgres and Kafka, whose
// second migration is applied after its start.
import type { EventPayload } from '@gravity/contracts';
import { HealthRegistry } from '@gravity/http';
import { idFromUuid, newUuid, sleep, toRfc3339 } from '@gravity/kernel';
import { EventContext, inboxDdl, KafkaEventBus, OnEvent, deadLettersDdl } from '@gravity/messaging';
import { createLogger } from '@gravity/observability';
import { type Database, openDatabase } from '@gravity/persistence';
import { engines, eventually, freshDatabase, type FreshDatabase, localIssuer, uniquePrefix } from '@gravity/testing';
import { Controller, Module } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { bootServices, coreOf, defineService, migrateService, type RunningServices, writeDdl } from '../src';

const TOPIC = 'catalog.shop';
/** Long enough for every attempt at a message that fails. */
const ATTEMPTS_MS = 6_000;

class CreateInbox1795305600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [inboxDdl(), deadLettersDdl(), ...writeDdl()]) await runner.query(statement);
  }

  async down(): Promise<void> {}
}

class CreateOpenedShops1795305600001 implements MigrationInterface {
  name = 'CreateOpenedShops1795305600001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table opened_shops (shop_id text primary key)');
  }

  async down(): Promise<void> {}
}

@Controller()
class OnShopOpened {
  @OnEvent('catalog.shop.opened.v1')
  async opened(
    @Payload() { shopId }: EventPayload<'catalog.shop.opened.v1'>,
    @Ctx() context: EventContext,
  ): Promise<void> {
    await context.tx.query('insert into opened_shops values ($1)', [shopId]);
  }
}

@Module({ imports: [coreOf('late')] })
class LateModule {}

const late = defineService({
  name: 'late',
  migrations: [CreateInbox1795305600000, CreateOpenedShops1795305600001],
  handlers: [OnShopOpened],
  features: [LateModule],
});

let fresh: FreshDatabase;
let database: Database;
let env: Record<string, string>;
let service: RunningServices;

beforeAll(async () => {
  const issuer = await localIssuer();
  fresh = await freshDatabase('late migration');
  database = openDatabase({ url: fresh.url, applicationName: 'spec', poolSize: 2 });
  env = {
    ...issuer.env,
    LATE_DATABASE_URL: fresh.url,
    KAFKA_BROKERS: engines().kafkaBrokers,
    KAFKA_TOPIC_PREFIX: uniquePrefix(),
    CURSOR_SECRET: 'c'.repeat(32),
  };
});

afterAll(async () => {
  await service?.close();
  await database?.close();
  await fresh?.drop();
});

async function publishOpening(shopId: string): Promise<void> {
  const bus = new KafkaEventBus({
    brokers: [engines().kafkaBrokers],
    clientId: 'spec',
    topicPrefix: env['KAFKA_TOPIC_PREFIX']!,
    topics: [{ topic: TOPIC, partitions: 1 }],
  });
  const occurredAtMs = Date.now();
  const merchantId = idFromUuid('merchant', newUuid());
  const payload = { sequence: 1, shopId, merchantId, name: 'shop', occurredAt: toRfc3339(occurredAtMs) };
  const what = { topic: TOPIC, key: shopId, type: 'catalog.shop.opened.v1', payload: JSON.stringify(payload) };
  await bus.publish([{ ...what, eventId: newUuid(), occurredAtMs, traceparent: null }]);
  await bus.close();
}

it('is not ready and takes no event before its migrations are applied', async () => {
  const shopId = idFromUuid('shop', newUuid());
  await migrateService({ ...late, migrations: [CreateInbox1795305600000] }, env);
  await publishOpening(shopId);
  const logger = createLogger({ service: 'late', level: 'silent' });
  service = await bootServices([late], { env, port: 0, logger });
  const health = service.app.get(HealthRegistry);
  expect(await health.report()).toMatchObject({
    status: 'unready',
    checks: expect.arrayContaining([expect.objectContaining({ name: 'late schema', ok: false })]),
  });
  await sleep(ATTEMPTS_MS);
  expect(await database.query('select * from dead_letters')).toEqual([]);
  await migrateService(late, env);
  await eventually(async () => expect((await health.report()).status).toBe('ready'), { withinMs: 10_000 });
  await eventually(
    async () => expect(await database.query('select shop_id from opened_shops')).toEqual([{ shop_id: shopId }]),
    {
      withinMs: 30_000,
    },
  );
});
