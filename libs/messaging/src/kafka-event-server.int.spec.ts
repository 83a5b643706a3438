import { Controller, type INestMicroservice, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { newUuid } from '@gravity/kernel';
import { classifyDatabaseError, openDatabase } from '@gravity/persistence';
import { engines, eventually, TcpProxy, uniquePrefix } from '@gravity/testing';
import { Kafka, logLevel } from 'kafkajs';
import { discardDeadLetters, listDeadLetters, replayDeadLetters } from './dead-letters';
import type { OutboxEvent } from './event';
import { EventContext } from './handlers';
import { KafkaEventBus } from './kafka-event-bus';
import { KafkaEventServer, type KafkaEventServerOptions } from './kafka-event-server';
import { bindEventHandlers, OnEvent } from './on-event';
import { messagingDatabase, type SpecDatabase, thingEvent } from '../test/spec-support';

const CONSUMER = Symbol('spec consumer');
const OTHER = Symbol('other consumer');
const PATIENCE = { withinMs: 40_000 };

interface Thing {
  readonly n: number;
}

/** Values that the handlers of this spec refuse. */
const broken = new Set<number>();

@Controller()
class Handlers {
  @OnEvent('spec.thing.changed.v1')
  async changed(@Payload() event: Thing, @Ctx() { tx, envelope }: EventContext): Promise<void> {
    await tx.query('insert into effect (key, value) values ($1, $2)', [envelope.key, event.n]);
    if (broken.has(event.n)) throw new Error(`cannot handle ${event.n}`);
  }

  @OnEvent('spec.thing.listed.v1', { batch: true })
  async listed(@Payload() events: Thing[], @Ctx() { tx, envelopes }: EventContext): Promise<void> {
    await tx.query('insert into effect (key, value) select * from unnest($1::text[], $2::int[])', [
      envelopes.map(({ key }) => key),
      events.map(({ n }) => n),
    ]);
  }

  @EventPattern('spec.thing.plain.v1', CONSUMER)
  async plain(@Payload() event: Thing, @Ctx() context: unknown): Promise<void> {
    const { tx } = context as EventContext;
    await tx.query('insert into effect (key, value) values (null, 1 / $1)', [event.n]);
  }
}

@Controller()
class Elsewhere {
  @OnEvent('spec.thing.changed.v1')
  async elsewhere(): Promise<void> {
    throw new Error('bound to another server');
  }
}

bindEventHandlers([Handlers], CONSUMER);
bindEventHandlers([Elsewhere], OTHER);

@Module({ controllers: [Handlers, Elsewhere] })
class SpecModule {}

describe('KafkaEventServer', () => {
  let spec: SpecDatabase;
  let prefix: string;
  let bus: KafkaEventBus;
  let open: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    broken.clear();
    open = [];
    spec = await messagingDatabase('consumer');
    prefix = uniquePrefix();
    bus = new KafkaEventBus({
      brokers: engines().kafkaBrokers.split(','),
      clientId: 'spec',
      topicPrefix: prefix,
      topics: [{ topic: 'spec.thing', partitions: 3 }],
    });
  });

  afterEach(async () => {
    for (const close of open.reverse()) await close();
    await bus.close();
    await spec.close();
  });

  const start = async (
    options: Partial<KafkaEventServerOptions> = {},
  ): Promise<{ server: KafkaEventServer; app: INestMicroservice }> => {
    const server = new KafkaEventServer({
      transportId: CONSUMER,
      consumer: 'spec',
      brokers: engines().kafkaBrokers.split(','),
      clientId: 'spec',
      topicPrefix: prefix,
      database: spec.database,
      sessionTimeoutMs: 6_000,
      partitions: 3,
      ...options,
    });
    const app = await NestFactory.createMicroservice(SpecModule as Type, { strategy: server, logger: false });
    await app.listen();
    open.push(() => app.close());
    return { server, app };
  };

  const publish = (...events: OutboxEvent[]): Promise<void> =>
    bus.publish(events.map((event) => ({ ...event, traceparent: null })));

  /** Values applied, by key, in the order of their effect. */
  const effects = async (): Promise<Record<string, number[]>> => {
    const rows = await spec.database.query<{ key: string; value: number }>('select key, value from effect order by n');
    const byKey: Record<string, number[]> = {};
    for (const { key, value } of rows) (byKey[key] ??= []).push(value);
    return byKey;
  };

  const changes = (key: string, ...numbers: number[]): OutboxEvent[] => numbers.map((n) => thingEvent(key, { n }));

  it('applies each event once, in order per key, however often it is delivered', async () => {
    const a = changes('a', 1, 2, 3);
    const b = [1, 2, 3].map((n) => thingEvent('b', { n }, 'listed'));
    await publish(a[0]!, b[0]!, a[1]!, a[0]!, b[1]!, b[2]!, a[2]!, b[0]!);
    const { server } = await start();
    await eventually(async () => expect(await effects()).toEqual({ a: [1, 2, 3], b: [1, 2, 3] }), PATIENCE);
    expect(server.ready).toBe(true);
    await publish(...a, ...b, ...changes('a', 4));
    await eventually(async () => expect(await effects()).toEqual({ a: [1, 2, 3, 4], b: [1, 2, 3] }), PATIENCE);
    expect(await spec.database.query('select 1 from inbox')).toHaveLength(7);
  });

  it('keeps a failing message and those of its key as dead letters, handles other keys, and replays in order', async () => {
    broken.add(2);
    await start();
    await publish(...changes('a', 1, 2, 3), ...changes('b', 1, 2, 3).filter(({ payload }) => payload !== '{"n":2}'));
    await eventually(async () => expect(await effects()).toEqual({ a: [1], b: [1, 3] }), PATIENCE);
    await eventually(
      async () => expect(await listDeadLetters(spec.database, { consumer: 'spec' })).toHaveLength(2),
      PATIENCE,
    );
    await publish(...changes('a', 4), ...changes('c', 1));
    await eventually(async () => expect(await effects()).toEqual({ a: [1], b: [1, 3], c: [1] }), PATIENCE);
    const letters = await eventually(async () => {
      const list = await listDeadLetters(spec.database, { consumer: 'spec', status: 'PARKED' });
      expect(list.map(({ payload, attempts }) => [payload, attempts])).toEqual([
        ['{"n":2}', 3],
        ['{"n":3}', 0],
        ['{"n":4}', 0],
      ]);
      return list;
    }, PATIENCE);
    expect(letters[0]).toMatchObject({
      key: 'a',
      reason: 'Error: cannot handle 2',
      topic: 'spec.thing',
      type: 'spec.thing.changed.v1',
    });

    // The cause is still there: the message returns to the operator, and the messages behind it wait.
    expect(await replayDeadLetters(spec.database, { consumer: 'spec', eventId: letters[0]!.eventId })).toBe(1);
    await eventually(
      async () => expect((await listDeadLetters(spec.database, { status: 'PARKED' }))[0]?.attempts).toBe(4),
      PATIENCE,
    );
    expect((await effects())['a']).toEqual([1]);

    broken.clear();
    await replayDeadLetters(spec.database, { consumer: 'spec', eventId: letters[0]!.eventId });
    await eventually(async () => expect((await effects())['a']).toEqual([1, 2, 3, 4]), PATIENCE);
    await publish(...changes('a', 5));
    await eventually(async () => expect((await effects())['a']).toEqual([1, 2, 3, 4, 5]), PATIENCE);
    expect(await listDeadLetters(spec.database, { status: 'PARKED' })).toEqual([]);
  });

  it('handles the messages behind a discarded one, and never that one', async () => {
    broken.add(1);
    const [first, second] = changes('a', 1, 2) as [OutboxEvent, OutboxEvent];
    await start();
    await publish(first, second);
    await eventually(async () => expect(await listDeadLetters(spec.database)).toHaveLength(2), PATIENCE);
    expect(await discardDeadLetters(spec.database, { consumer: 'spec', eventId: first.eventId })).toBe(1);
    await eventually(async () => expect(await effects()).toEqual({ a: [2] }), PATIENCE);
    broken.clear();
    await publish(first, ...changes('a', 3));
    await eventually(async () => expect(await effects()).toEqual({ a: [2, 3] }), PATIENCE);
  });

  it('makes a dead letter of a malformed message at once, and skips types without a handler', async () => {
    await start({
      validate: (_type, payload) =>
        Number.isInteger((payload as Partial<Thing>).n) ? undefined : 'n must be a whole number',
    });
    await publish(
      ...changes('a', 1),
      { ...thingEvent('bad', {}), payload: 'no {json' },
      thingEvent('odd', { n: 'one' }),
      thingEvent('a', { n: 2 }, 'ignored'),
      ...changes('a', 3),
    );
    const kafka = new Kafka({
      clientId: 'spec',
      brokers: engines().kafkaBrokers.split(','),
      logLevel: logLevel.NOTHING,
    });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({
      topic: `${prefix}spec.thing`,
      messages: [
        { key: 'raw', value: null },
        { key: 'raw', value: 'a\u0000b' },
      ],
    });
    await producer.disconnect();
    await eventually(async () => {
      const reasons = (await listDeadLetters(spec.database)).map(({ key, reason }) => `${key}: ${reason}`).sort();
      expect(reasons).toEqual([
        'bad: the payload is not JSON',
        'odd: the payload does not match its schema: n must be a whole number',
        'raw: the message has no ce_id and no ce_type header',
        'raw: the message has no ce_id and no ce_type header',
      ]);
    }, PATIENCE);
    await eventually(async () => expect(await effects()).toEqual({ a: [1, 3] }), PATIENCE);
  });

  it('names the database error of a plain Nest handler', async () => {
    await start({ attemptsMax: 1 });
    await publish(thingEvent('a', { n: 0 }, 'plain'));
    await eventually(
      async () => expect((await listDeadLetters(spec.database))[0]?.reason).toContain('division by zero'),
      PATIENCE,
    );
  });

  it('waits for the database, makes no dead letters meanwhile, and loses nothing', async () => {
    const proxy = await TcpProxy.start({ targetPort: Number(new URL(spec.url).port) });
    const database = openDatabase({ url: proxy.through(spec.url), applicationName: 'spec', connectionTimeoutMs: 500 });
    open.push(async () => {
      await database.close();
      await proxy.close();
    });
    await start({ database });
    await publish(...changes('a', 1));
    await eventually(async () => expect(await effects()).toEqual({ a: [1] }), PATIENCE);
    await proxy.refuse();
    proxy.cutAll();
    await publish(...changes('a', 2), ...changes('b', 1));
    expect(await database.query('select 1').catch(classifyDatabaseError)).toBe('unavailable');
    await proxy.accept();
    // The reply to a commit is lost: the inbox shows that it was committed.
    const lost = proxy.cutAt({ at: 'reply', match: 'COMMIT' });
    await publish(...changes('a', 3));
    await lost;
    await eventually(async () => expect(await effects()).toEqual({ a: [1, 2, 3], b: [1] }), PATIENCE);
    expect(await listDeadLetters(spec.database)).toEqual([]);
  });

  it('starts while Kafka is down and consumes when it is up', async () => {
    await publish(...changes('a', 1));
    const [host, port] = engines().kafkaBrokers.split(',')[0]!.split(':');
    const proxy = await TcpProxy.start({ targetPort: Number(port), targetHost: host! });
    open.push(() => proxy.close());
    await proxy.refuse();
    const { server } = await start({ brokers: [`127.0.0.1:${proxy.port}`] });
    expect(server.ready).toBe(false);
    await proxy.accept();
    await eventually(async () => expect(await effects()).toEqual({ a: [1] }), PATIENCE);
  });

  it('applies once and in order while members come and go', async () => {
    const expected: Record<string, number[]> = {};
    let next = 0;
    const publishSome = async (): Promise<void> => {
      const events: OutboxEvent[] = [];
      for (let count = 0; count < 60; count += 1) {
        const key = `k${next % 7}`;
        (expected[key] ??= []).push(next);
        events.push(...changes(key, next));
        next += 1;
      }
      await publish(...events);
    };
    await publishSome();
    const first = await start();
    await eventually(() => expect(first.server.ready).toBe(true), PATIENCE);
    const second = await start();
    await publishSome();
    await eventually(() => expect(second.server.ready).toBe(true), PATIENCE);
    await publishSome();
    await first.app.close();
    await publishSome();
    await start();
    await publishSome();
    await eventually(async () => expect(await effects()).toEqual(expected), PATIENCE);
    expect(await listDeadLetters(spec.database)).toEqual([]);
  });

  it('calls all handlers of one type in one transaction', async () => {
    const received: string[] = [];
    const server = new KafkaEventServer({
      transportId: CONSUMER,
      consumer: 'chain',
      brokers: engines().kafkaBrokers.split(','),
      clientId: 'spec',
      topicPrefix: prefix,
      database: spec.database,
    });
    for (const name of ['first', 'second']) {
      server.addHandler(
        'spec.thing.changed.v1',
        async (event: Thing, { tx }: EventContext) => {
          received.push(name);
          await tx.query('insert into effect (key, value) values ($1, $2)', [name, event.n]);
          if (name === 'second' && received.length < 4) throw new Error('not yet');
        },
        true,
      );
    }
    server.listen(() => undefined);
    open.push(() => server.close());
    await publish({ ...thingEvent('a', { n: 1 }), eventId: newUuid() });
    await eventually(async () => expect(await effects()).toEqual({ first: [1], second: [1] }), PATIENCE);
    expect(received).toEqual(['first', 'second', 'first', 'second']);
  });
});
