// Goal: a declaration gives a service everything it needs, several services live in one process without meeting, and a stop
// loses nothing. Method: two services with the same tables on databases of their own, and one that consumes what the first
// publishes, on the real Postgres and Kafka.
import { type EventPayload, validateEvent } from '@gravity/contracts';
import { HealthRegistry, idempotencyDdl, ShutdownHooks } from '@gravity/http';
import { idFromUuid, newUuid, toRfc3339 } from '@gravity/kernel';
import { type EventContext, inboxDdl, outboxDdl, deadLettersDdl } from '@gravity/messaging';
import { createLogger } from '@gravity/observability';
import { Database, openDatabase } from '@gravity/persistence';
import {
  engines,
  EventProbe,
  eventually,
  freshDatabase,
  type FreshDatabase,
  localIssuer,
  uniquePrefix,
} from '@gravity/testing';
import { Controller, Inject, Injectable, Module, type Type } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OnEvent } from '@gravity/messaging';
import {
  bootServices,
  configOf,
  coreOf,
  defineService,
  Loop,
  migrateService,
  Outbox,
  type RunningServices,
} from '../src';

type ShopOpened = EventPayload<'catalog.shop.opened.v1'>;

class CreateTables1795305600000 implements MigrationInterface {
  name = 'CreateTables1795305600000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [outboxDdl(), inboxDdl(), deadLettersDdl(), ...idempotencyDdl()])
      await runner.query(statement);
    await runner.query('create table heard (shop_id text primary key)');
    await runner.query('create table old_things (id int, at timestamptz not null)');
  }

  async down(): Promise<void> {
    throw new Error('There is no way back.');
  }
}

const stopped: string[] = [];

/** Publishes one last event while it stops, as a worker in the middle of its work does. */
@Injectable()
class Opener extends Loop {
  readonly lastShop = idFromUuid('shop', newUuid());

  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
  ) {
    super({ name: 'opener', pauseMs: 600_000 });
  }

  override async stop(): Promise<void> {
    await super.stop();
    stopped.push('opener');
    await this.database.transaction((tx) => this.outbox.append(tx, [shopOpened(this.lastShop)]));
  }

  protected override async turn(): Promise<void> {}
}

@Injectable()
class Second extends Loop {
  constructor() {
    super({ name: 'second', pauseMs: 600_000 });
  }

  override async stop(): Promise<void> {
    await super.stop();
    stopped.push('second');
  }

  protected override async turn(): Promise<void> {}
}

function shopOpened(shopId: string) {
  const merchantId = idFromUuid('merchant', newUuid());
  const payload = { sequence: 1, shopId, merchantId, name: 'shop', occurredAt: toRfc3339(Date.now()) };
  return { type: 'catalog.shop.opened.v1' as const, key: shopId, payload };
}

@Module({ imports: [coreOf('catalog')], providers: [Opener, Second] })
class OpenerModule {}

const publisher = defineService({
  name: 'catalog',
  migrations: [CreateTables1795305600000],
  workers: [Opener, Second],
  features: [OpenerModule],
  retention: [{ table: 'old_things', column: 'at', keepMs: 60_000 }],
});

@Injectable()
class Journal {
  constructor(
    private readonly database: Database,
    @Inject(configOf('listener')) private readonly config: { readonly table: string },
  ) {}

  heard(context: EventContext, shopIds: readonly string[]): Promise<unknown> {
    return context.tx.query(`insert into ${this.config.table} select unnest($1::text[]) on conflict do nothing`, [
      shopIds,
    ]);
  }

  rows(): Promise<{ shop_id: string }[]> {
    return this.database.query('select shop_id from heard');
  }
}

@Controller()
class OnShopOpened {
  constructor(private readonly journal: Journal) {}

  @OnEvent('catalog.shop.opened.v1', { batch: true })
  async opened(@Payload() events: readonly ShopOpened[], @Ctx() context: EventContext): Promise<void> {
    await this.journal.heard(
      context,
      events.map(({ shopId }) => shopId),
    );
  }
}

@Module({ imports: [coreOf('listener')], providers: [Journal], exports: [Journal] })
class JournalModule {}

const listener = defineService({
  name: 'listener',
  config: (read) => ({ table: read.text('LISTENER_TABLE') }),
  migrations: [CreateTables1795305600000],
  handlers: [OnShopOpened],
  features: [JournalModule],
});

let databases: FreshDatabase[];
let env: Record<string, string>;
let running: RunningServices;

beforeAll(async () => {
  const issuer = await localIssuer();
  databases = await Promise.all(['kit catalog', 'kit listener'].map((name) => freshDatabase(name)));
  env = {
    ...issuer.env,
    CATALOG_DATABASE_URL: databases[0]!.url,
    LISTENER_DATABASE_URL: databases[1]!.url,
    LISTENER_TABLE: 'heard',
    KAFKA_BROKERS: engines().kafkaBrokers,
    KAFKA_TOPIC_PREFIX: uniquePrefix(),
    CURSOR_SECRET: 'c'.repeat(32),
  };
  for (const service of [publisher, listener]) await migrateService(service, env);
  running = await boot(env);
});

afterAll(async () => {
  await running?.close();
  for (const database of databases) await database.drop();
});

function boot(environment: Record<string, string>): Promise<RunningServices> {
  return bootServices([publisher, listener], {
    env: environment,
    port: 0,
    logger: createLogger({ service: 'kit', level: 'silent' }),
  });
}

/** A part of one service's core. */
function ownOf<T>(service: string, token: Type<T>): T {
  return running.app.select(coreOf(service)).get(token, { strict: true });
}

it('gives each service of a process its own database, and its handlers its own events', async () => {
  const [first, second] = ['catalog', 'listener'].map((name) => ownOf(name, Database));
  expect(first).not.toBe(second);
  expect(first!.url).toContain(new URL(databases[0]!.url).pathname);
  const event = shopOpened(idFromUuid('shop', newUuid()));
  expect(validateEvent(event.type, event.payload, 'writer')).toBeUndefined();
  const outbox = ownOf('catalog', Outbox);
  await first!.transaction((tx) => outbox.append(tx, [event]));
  const journal = running.app.get(Journal, { strict: false });
  await eventually(async () => expect(await journal.rows()).toEqual([{ shop_id: event.key }]), { withinMs: 30_000 });
  expect(await first!.query('select shop_id from heard')).toEqual([]);
});

it('reports its engines, and prunes what the declaration names', async () => {
  const report = await running.app.get(HealthRegistry).report();
  expect(report.checks.map(({ name, critical }) => [name, critical])).toEqual([
    ['catalog postgres', true],
    ['catalog schema', true],
    ['catalog kafka', false],
    ['listener postgres', true],
    ['listener schema', true],
  ]);
  const database = openDatabase({ url: databases[0]!.url, applicationName: 'spec', poolSize: 1 });
  await database.query(`insert into old_things values (1, now() - interval '1 hour'), (2, now())`);
  const again = await boot(env);
  try {
    await eventually(async () => expect(await database.query('select id from old_things')).toEqual([{ id: 2 }]));
  } finally {
    await again.close();
    await database.close();
  }
});

it('refuses an event that does not fit its schema, and the transaction with it', async () => {
  const broken = { type: 'catalog.shop.opened.v1' as const, key: 'shp_1', payload: { sequence: 1 } };
  const [database, outbox] = [ownOf('catalog', Database), ownOf('catalog', Outbox)];
  await expect(database.transaction((tx) => outbox.append(tx, [broken]))).rejects.toThrow(/shop.opened/);
});

it('names every fault of the configuration of a service in one line', async () => {
  const wrong = { ...env, LISTENER_TABLE: '', KAFKA_BROKERS: '', LISTENER_POOL_SIZE: 'many' };
  await expect(bootServices([listener], { env: wrong, port: 0 })).rejects.toThrow(
    /KAFKA_BROKERS is not set; LISTENER_POOL_SIZE=many .*; LISTENER_TABLE is not set/,
  );
});

it('does not lend its handlers to another service', () => {
  expect(() => defineService({ name: 'other', handlers: [OnShopOpened] })).toThrow(
    /OnShopOpened has no @OnEvent method/,
  );
});

it('does not start with event handlers that no declaration lists', async () => {
  @Controller()
  class OnForgotten {
    @OnEvent('catalog.shop.opened.v1')
    opened(): void {}
  }
  @Module({ controllers: [OnForgotten] })
  class ForgetfulModule {}
  const forgetful = defineService({ name: 'forgetful', database: false, features: [ForgetfulModule] });
  const started = bootServices([forgetful], {
    env,
    port: 0,
    logger: createLogger({ service: 'kit', level: 'silent' }),
  });
  await expect(started).rejects.toThrow('No service declares these event handlers: OnForgotten');
});

it('stops features, then workers in reverse, then the outbox, and publishes what they added', async () => {
  const probe = await EventProbe.start({
    brokers: engines().kafkaBrokers,
    topics: [`${env['KAFKA_TOPIC_PREFIX']}catalog.shop`],
  });
  const opener = running.app.get(Opener, { strict: false });
  stopped.length = 0;
  running.app.get(ShutdownHooks).onDrain('feature', async () => void stopped.push('feature'));
  await running.close();
  expect(stopped).toEqual(['feature', 'second', 'opener']);
  await eventually(async () => expect(probe.ofKey(opener.lastShop)).toHaveLength(1), { withinMs: 20_000 });
  await probe.close();
});
