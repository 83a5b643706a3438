import { newUuid } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import { engines, eventually, TcpProxy, uniquePrefix } from '@gravity/testing';
import { Client } from 'pg';
import type { PublishedEvent } from './event';
import type { EventBus } from './event-bus';
import { KafkaEventBus } from './kafka-event-bus';
import { appendToOutbox, pruneOutbox } from './outbox';
import { OutboxRelay } from './outbox-relay';
import { firstByKey, messagingDatabase, readTopic, type SpecDatabase, thingEvent } from '../test/spec-support';

const brokers = (): string[] => engines().kafkaBrokers.split(',');

describe('OutboxRelay', () => {
  let spec: SpecDatabase;
  let prefix: string;
  let open: { stop(): Promise<void> }[] = [];

  beforeEach(async () => {
    spec = await messagingDatabase('relay');
    prefix = uniquePrefix();
    open = [];
  });

  afterEach(async () => {
    for (const part of open.reverse()) await part.stop();
    await spec.close();
  });

  const newBus = (address = brokers()): KafkaEventBus => {
    const bus = new KafkaEventBus({
      brokers: address,
      clientId: 'spec',
      topicPrefix: prefix,
      topics: [{ topic: 'spec.thing', partitions: 3 }],
    });
    open.push({ stop: () => bus.close() });
    return bus;
  };

  const newRelay = (bus: EventBus, url = spec.url): OutboxRelay => {
    const relay = new OutboxRelay({ url, bus, service: 'spec', batchMax: 50 });
    open.push(relay);
    relay.start();
    return relay;
  };

  const reader = async (): Promise<Awaited<ReturnType<typeof readTopic>>> => {
    await newBus().ensureTopics([{ topic: 'spec.thing', partitions: 3 }]);
    const topic = await readTopic(`${prefix}spec.thing`);
    open.push(topic);
    return topic;
  };

  const append = (key: string, ...numbers: number[]): Promise<void> =>
    spec.database.transaction((tx) =>
      appendToOutbox(
        tx,
        numbers.map((n) => thingEvent(key, { n })),
      ),
    );

  /** A transaction that the test ends. */
  const openTransaction = async (): Promise<{ tx: Pick<Tx, 'query'>; client: Client }> => {
    const client = new Client({ connectionString: spec.url });
    // A failed test drops the database while this client is connected.
    client.on('error', () => undefined);
    await client.connect();
    await client.query('begin');
    return {
      client,
      tx: {
        query: async <T>(text: string, params?: readonly unknown[]) =>
          (await client.query(text, params as unknown[])).rows as T[],
      },
    };
  };

  const position = async (): Promise<number> =>
    (await spec.database.query<{ position: number }>('select position from outbox_cursor'))[0]?.position ?? 0;

  const lastId = async (): Promise<number> =>
    (await spec.database.query<{ id: number }>('select max(id) as id from outbox'))[0]!.id;

  it('publishes in order per key, as CloudEvents, and keeps the trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const event = { ...thingEvent('a', { n: 0 }), traceparent };
    await spec.database.transaction((tx) => appendToOutbox(tx, [event]));
    for (let n = 1; n <= 60; n += 1) await append(n % 2 === 0 ? 'a' : 'b', n);
    const relay = newRelay(newBus());
    await eventually(async () => expect(await position()).toBe(await lastId()), { withinMs: 20_000 });
    expect(relay.active).toBe(true);
    const topic = await reader();
    await eventually(() => expect(topic.messages).toHaveLength(61), { withinMs: 20_000 });
    const even = Array.from({ length: 31 }, (_, n) => 2 * n);
    expect(firstByKey(topic.messages).get('a')).toEqual(even);
    expect(topic.messages.find(({ id }) => id === event.eventId)!.headers).toEqual({
      ce_specversion: '1.0',
      ce_id: event.eventId,
      ce_type: 'spec.thing.changed.v1',
      ce_source: '/spec',
      ce_time: '2023-11-14T22:13:20.000Z',
      traceparent,
    });
    expect(await relay.lag()).toEqual({ position: await lastId(), depth: 0, oldestAgeMs: 0 });
  });

  it('assigns a transaction its id before its outbox id', async () => {
    const [plan] = await spec.database
      .query<{ 'QUERY PLAN': string }>(
        `explain (verbose, format text, costs off) insert into outbox (event_id, topic, key, type, payload, occurred_at)
       select $1::uuid, 't', 'k', 'x', '{}', now() from generate_series(1, 2)`,
        [newUuid()],
      )
      .then((rows) => rows.filter((row) => row['QUERY PLAN'].includes('nextval')));
    const text = plan!['QUERY PLAN'];
    expect(text.indexOf('pg_current_xact_id')).toBeGreaterThanOrEqual(0);
    expect(text.indexOf('pg_current_xact_id')).toBeLessThan(text.indexOf('nextval'));
  });

  it('does not lose a transaction that commits after later ones', async () => {
    newRelay(newBus());
    const slow = await openTransaction();
    await appendToOutbox(slow.tx, [thingEvent('slow', { n: 1 })]);
    await append('fast', 1, 2, 3);
    const topic = await reader();
    await eventually(() => expect(topic.messages).toHaveLength(3), { withinMs: 20_000 });
    await append('fast', 4);
    await eventually(() => expect(topic.messages).toHaveLength(4), { withinMs: 20_000 });
    expect(await position()).toBe(0);
    await slow.client.query('commit');
    await slow.client.end();
    await eventually(() => expect(firstByKey(topic.messages).get('slow')).toEqual([1]), { withinMs: 20_000 });
    await eventually(async () => expect(await position()).toBe(await lastId()), { withinMs: 20_000 });
    expect(topic.messages).toHaveLength(5);
  });

  it('closes the gap of a transaction after its rollback, not before', async () => {
    newRelay(newBus());
    const aborted = await openTransaction();
    await appendToOutbox(aborted.tx, [thingEvent('aborted', { n: 1 }), thingEvent('aborted', { n: 2 })]);
    const other = await openTransaction();
    await other.tx.query('select pg_current_xact_id()');
    await append('kept', 1);
    const topic = await reader();
    await eventually(() => expect(topic.messages).toHaveLength(1), { withinMs: 20_000 });
    await aborted.client.query('rollback');
    await append('kept', 2);
    await eventually(() => expect(topic.messages).toHaveLength(2), { withinMs: 20_000 });
    expect(await position()).toBe(0);
    await other.client.query('rollback');
    await eventually(async () => expect(await position()).toBe(await lastId()), { withinMs: 20_000 });
    await aborted.client.end();
    await other.client.end();
    expect(firstByKey(topic.messages)).toEqual(new Map([['kept', [1, 2]]]));
  });

  it('publishes again what was published after the stored position, and loses nothing', async () => {
    // A bus that writes and then rejects: the outcome is unknown to the relay, as after a crash.
    const real = newBus();
    let failures = 3;
    const forgetful: EventBus = {
      publish: async (events: readonly PublishedEvent[]) => {
        await real.publish(events);
        failures -= 1;
        if (failures >= 0) throw new Error('no answer');
      },
      ensureTopics: (specs) => real.ensureTopics(specs),
      healthy: () => real.healthy(),
      close: () => real.close(),
    };
    for (let n = 0; n < 40; n += 1) await append(`k${n % 4}`, n);
    newRelay(forgetful);
    await eventually(async () => expect(await position()).toBe(await lastId()), { withinMs: 20_000 });
    await spec.database.query('update outbox_cursor set position = 10');
    await open.pop()!.stop();
    await spec.database.query('update outbox_cursor set position = 10');
    newRelay(real);
    await append('k0', 40);
    const topic = await reader();
    await eventually(
      () => expect(firstByKey(topic.messages).get('k0')).toEqual([0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40]),
      { withinMs: 20_000 },
    );
    expect(topic.messages.length).toBeGreaterThan(41);
    for (const [key, numbers] of firstByKey(topic.messages)) {
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(numbers).toHaveLength(key === 'k0' ? 11 : 10);
    }
  });

  it('lets one of two relays publish, and the other take over', async () => {
    const proxy = await TcpProxy.start({ targetPort: Number(new URL(spec.url).port) });
    open.push({ stop: () => proxy.close() });
    const first = newRelay(newBus(), proxy.through(spec.url));
    await eventually(() => expect(first.active).toBe(true), { withinMs: 20_000 });
    const second = newRelay(newBus());
    await append('a', 1);
    const topic = await reader();
    await eventually(() => expect(topic.messages).toHaveLength(1), { withinMs: 20_000 });
    expect(second.active).toBe(false);
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect([first.active, second.active]).toEqual([false, true]), { withinMs: 20_000 });
    await append('a', 2);
    await eventually(() => expect(firstByKey(topic.messages).get('a')).toEqual([1, 2]), { withinMs: 20_000 });
    await proxy.accept();
    await second.stop();
    await append('a', 3);
    await eventually(() => expect(firstByKey(topic.messages).get('a')).toEqual([1, 2, 3]), { withinMs: 20_000 });
    expect(first.active).toBe(true);
  });

  it('starts while Kafka is down and publishes when it is up', async () => {
    const [host, port] = brokers()[0]!.split(':');
    const proxy = await TcpProxy.start({ targetPort: Number(port), targetHost: host! });
    open.push({ stop: () => proxy.close() });
    await proxy.refuse();
    const relay = newRelay(newBus([proxy.through(brokers()[0]!)]));
    await append('a', 1, 2);
    await eventually(async () => expect((await relay.lag())?.depth).toBe(2), { withinMs: 20_000 });
    await proxy.accept();
    await eventually(async () => expect((await relay.lag())?.depth).toBe(0), { withinMs: 30_000 });
    const topic = await reader();
    await eventually(() => expect(firstByKey(topic.messages).get('a')).toEqual([1, 2]), { withinMs: 20_000 });
  });

  it('prunes old published events alone', async () => {
    await append('a', 1, 2, 3);
    expect(await pruneOutbox(spec.database, { olderThanMs: 0 })).toBe(0);
    const relay = newRelay(newBus());
    await eventually(async () => expect(await position()).toBe(3), { withinMs: 20_000 });
    expect(await pruneOutbox(spec.database, { olderThanMs: 3_600_000 })).toBe(0);
    await relay.stop();
    await append('a', 4);
    expect(await pruneOutbox(spec.database, { olderThanMs: 0 })).toBe(3);
    expect(await spec.database.query('select id from outbox')).toEqual([{ id: 4 }]);
  });
});
