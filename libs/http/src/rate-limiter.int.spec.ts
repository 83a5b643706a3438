// Rate limits over a real Redis: several processes together allow a caller about as much as one process.
import { ManualClock } from '@gravity/kernel';
import { ProblemError } from '@gravity/contracts';
import { engines } from '@gravity/testing';
import { Redis } from 'ioredis';
import { RateLimiter } from './rate-limiter';

const RULE = { perSecond: 50, burst: 100, scope: 'caller', onRedisDown: 'open' } as const;
let operations = 0;

function allowed(limiter: RateLimiter, operation: string, tries: number, subject = 'b_1'): number {
  let count = 0;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    try {
      limiter.enforce(operation, RULE, subject);
      count += 1;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
    }
  }
  return count;
}

function newOperation(): string {
  operations += 1;
  return `limit-${process.pid}-${operations}-${Date.now()}`;
}

it('adds up what several processes saw', async () => {
  const clock = new ManualClock(1_000_000_000);
  const limiters = [0, 1].map(() => new RateLimiter({ redisUrl: engines().redisUrl, clock }));
  const operation = newOperation();
  let total = 0;
  for (let round = 0; round < 10; round += 1) {
    for (const limiter of limiters) {
      total += allowed(limiter, operation, 20);
      await limiter.flush();
    }
  }
  // Without sharing it would be 200. What two exchanges miss of each other is at most one round.
  expect(total).toBeGreaterThanOrEqual(100);
  expect(total).toBeLessThanOrEqual(120);
  expect(allowed(limiters[0]!, operation, 5, 'b_2')).toBe(5);
  await Promise.all(limiters.map((limiter) => limiter.close()));
});

it('admits a caller again as the window slides', async () => {
  const clock = new ManualClock(1_000_000_000);
  const limiter = new RateLimiter({ redisUrl: engines().redisUrl, clock });
  const operation = newOperation();
  expect(allowed(limiter, operation, 150)).toBe(100);
  clock.advance(2_000);
  expect(allowed(limiter, operation, 10)).toBe(0);
  clock.advance(1_000);
  expect(allowed(limiter, operation, 150)).toBe(50);
  clock.advance(10_000);
  expect(allowed(limiter, operation, 150)).toBe(100);
  await limiter.close();
});

it('keeps counting by itself without Redis, or refuses where that is declared', async () => {
  const limiter = new RateLimiter({ redisUrl: 'redis://127.0.0.1:1', clock: new ManualClock(1_000_000_000) });
  const operation = newOperation();
  expect(allowed(limiter, operation, 60)).toBe(60);
  await limiter.flush();
  expect(allowed(limiter, operation, 60)).toBe(40);
  let refusal: unknown;
  try {
    limiter.enforce('strict', { ...RULE, onRedisDown: 'closed' }, 'b_1');
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toMatchObject({ problem: { code: 'unavailable' } });
  await limiter.close();
});

it('reports only frequent callers to Redis, and all callers of strict limits', async () => {
  const clock = new ManualClock(1_000_000_000);
  const limiter = new RateLimiter({ redisUrl: engines().redisUrl, clock });
  const redis = new Redis(engines().redisUrl);
  const operation = newOperation();
  const told = async (): Promise<string[]> => {
    await limiter.flush();
    return (await redis.keys(`rate:${operation}*`)).map((key) => key.split(':')[3]!).sort();
  };
  for (const subject of ['b_1', 'b_2']) allowed(limiter, operation, 10, subject);
  expect(await told()).toEqual([]);
  allowed(limiter, operation, 1, 'b_1');
  expect(await told()).toEqual(['b_1']);
  limiter.enforce(operation, { ...RULE, onRedisDown: 'closed' }, 'b_3');
  expect(await told()).toEqual(['b_1', 'b_3']);
  redis.disconnect();
  await limiter.close();
});
