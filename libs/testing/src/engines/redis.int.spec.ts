import { Redis } from 'ioredis';
import type { RedisHandle } from './engine';
import { freshRedis } from './fresh';

describe('a private Redis', () => {
  let handle: RedisHandle;

  const withClient = async <T>(work: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = new Redis(handle.url, { retryStrategy: () => null, maxRetriesPerRequest: 0, commandTimeout: 300 });
    redis.on('error', () => undefined);
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  };
  const set = (value: string): Promise<string> => withClient((redis) => redis.set('k', value));
  const get = (): Promise<string | null> => withClient((redis) => redis.get('k'));

  beforeAll(async () => {
    handle = await freshRedis();
  });

  afterAll(() => handle.stop());

  it('listens on loopback, and is empty at the same address after a kill', async () => {
    await set('1');
    expect(await get()).toBe('1');
    const { url, pid } = handle;
    await handle.kill();
    expect(handle.pid).toBeUndefined();
    await expect(get()).rejects.toThrow();
    await handle.start();
    expect(handle.url).toBe(url);
    expect(handle.pid).not.toBe(pid);
    expect(await get()).toBeNull();
  });

  it('can be flushed', async () => {
    await set('2');
    await handle.flush();
    expect(await get()).toBeNull();
  });

  it('returns to an old snapshot, and is empty after an ordinary restart', async () => {
    await set('old');
    const snapshot = await handle.snapshot();
    await set('new');
    await handle.rewind(snapshot);
    expect(await get()).toBe('old');
    await handle.restart();
    expect(await get()).toBeNull();
  });

  it('does not answer while paused, and answers when resumed', async () => {
    await set('3');
    await handle.pause();
    await expect(get()).rejects.toThrow();
    await handle.resume();
    expect(await get()).toBe('3');
  });

  it('stops although it is paused', async () => {
    const other = await freshRedis();
    await other.pause();
    await other.stop();
    expect(other.pid).toBeUndefined();
  });
});
