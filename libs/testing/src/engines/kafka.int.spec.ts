import { Kafka, logLevel, type Admin } from 'kafkajs';
import type { EngineHandle } from './engine';
import { freshKafka, freshKafkaBehindProxy, uniquePrefix } from './fresh';

const clientOf = (brokers: string, retries = 5): Kafka =>
  new Kafka({
    brokers: [brokers],
    logLevel: logLevel.NOTHING,
    retry: { retries, initialRetryTime: 50 },
    requestTimeout: 2_000,
    connectionTimeout: 1_000,
  });

async function withAdmin<T>(brokers: string, work: (admin: Admin) => Promise<T>, retries?: number): Promise<T> {
  const admin = clientOf(brokers, retries).admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

describe('a private Kafka', () => {
  let handle: EngineHandle;
  const topic = `${uniquePrefix()}orders.order`;

  beforeAll(async () => {
    handle = await freshKafka();
    await withAdmin(handle.url, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 3 }] }));
  });

  afterAll(() => handle.stop());

  const produce = async (value: string): Promise<void> => {
    const producer = clientOf(handle.url).producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    await producer.send({ topic, messages: [{ key: 'k', value }], acks: -1 });
    await producer.disconnect();
  };
  const stored = async (): Promise<number> => {
    const offsets = await withAdmin(handle.url, (admin) => admin.fetchTopicOffsets(topic));
    return offsets.reduce((sum, { high }) => sum + Number(high), 0);
  };

  it('creates no topics on use', async () => {
    const producer = clientOf(handle.url, 1).producer();
    await producer.connect();
    await expect(producer.send({ topic: 'missing-topic', messages: [{ value: 'x' }] })).rejects.toThrow();
    await producer.disconnect();
  });

  it('keeps messages over kill -9 and over a restart', async () => {
    await produce('one');
    await handle.kill();
    await expect(withAdmin(handle.url, (admin) => admin.listTopics(), 0)).rejects.toThrow();
    await handle.start();
    await produce('two');
    await handle.restart();
    await produce('three');
    expect(await stored()).toBe(3);
  });

  it('does not answer while paused, and answers when resumed', async () => {
    await handle.pause();
    await expect(withAdmin(handle.url, (admin) => admin.listTopics(), 0)).rejects.toThrow();
    await handle.resume();
    expect(await withAdmin(handle.url, (admin) => admin.listTopics())).toContain(topic);
  });

  it('sends its clients through a proxy on request', async () => {
    const { kafka, proxy } = await freshKafkaBehindProxy();
    try {
      const { brokers } = await withAdmin(proxy.through(kafka.url), (admin) => admin.describeCluster());
      expect(brokers).toEqual([expect.objectContaining({ host: '127.0.0.1', port: proxy.port })]);
    } finally {
      await kafka.stop();
      await proxy.close();
    }
  });
});
