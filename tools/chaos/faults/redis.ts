// Faults of Redis: killed, frozen, emptied, rewound, full, failed over to a replica that lags behind, and two primaries at
// once.
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@gravity/testing';
import { Redis } from 'ioredis';
import type { World } from '../world';
import { freezing, killing, type FaultKind, nothing } from './fault-kind';

const parts = (): string[] => ['redis'];
const IN_STEP_WITHIN_MS = 10_000;
/** How long the promoted replica serves alone before Redis comes back empty, ms. */
const AFTERWARDS_MS = 2_000;

/** Runs commands on a server, without the proxies. */
async function onRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** Copies the primary, then stops the replication: the replica misses all later writes. */
async function leaveBehind({ cluster, replica }: World): Promise<void> {
  await onRedis(replica.url, async (redis) => {
    await redis.replicaof('127.0.0.1', portOf(cluster.redis.url));
    await eventually(
      async () => {
        const info = await redis.info('replication');
        if (!info.includes('master_link_status:up')) throw new Error('the replica is not in step');
      },
      { withinMs: IN_STEP_WITHIN_MS },
    );
    await redis.replicaof('NO', 'ONE');
  });
}

const everyLink = (): string[] => ['redis', 'redis-link-0', 'redis-link-1', 'redis-link-2'];

const twoPrimaries: FaultKind = {
  name: 'redis-two-primaries',
  title: 'one orders process on a promoted replica that lags, the others on the old primary; then that is gone',
  lastsMs: [2_500, 6_000],
  parts: everyLink,
  inject: async (world, { node, forMs }) => {
    const { cluster, replica } = world;
    await leaveBehind(world);
    await sleep(forMs / 4);
    world.node(node).redis.retarget(portOf(replica.url));
    return async () => {
      await cluster.redis.kill();
      for (const { redis } of cluster.nodes) redis.retarget(portOf(replica.url));
      await sleep(AFTERWARDS_MS);
      await cluster.redis.start();
      for (const { redis } of cluster.nodes) redis.retarget(portOf(cluster.redis.url));
    };
  },
};

const failover: FaultKind = {
  name: 'redis-failover',
  title: 'Redis failed over to a lagging replica, and later to an empty one',
  lastsMs: [3_000, 7_000],
  parts: everyLink,
  inject: async (world, { forMs }) => {
    const { cluster, replica } = world;
    await leaveBehind(world);
    await sleep(forMs / 3);
    await cluster.redis.kill();
    for (const { redis } of cluster.nodes) redis.retarget(portOf(replica.url));
    return async () => {
      await cluster.redis.start();
      for (const { redis } of cluster.nodes) redis.retarget(portOf(cluster.redis.url));
    };
  },
};

export const redisFaults: readonly FaultKind[] = [
  killing(
    { name: 'redis-kill', title: 'Redis killed, back empty', lastsMs: [200, 6_000], parts },
    ({ cluster }) => cluster.redis,
  ),
  freezing(
    { name: 'redis-freeze', title: 'SIGSTOP of Redis', lastsMs: [500, 6_000], parts },
    ({ cluster }) => cluster.redis,
  ),
  {
    name: 'redis-flush',
    title: 'Redis emptied',
    lastsMs: [100, 300],
    parts,
    inject: async ({ cluster }) => {
      await cluster.redis.flush();
      return nothing;
    },
  },
  {
    name: 'redis-rewind',
    title: 'Redis rolled back to an older snapshot',
    lastsMs: [1_000, 6_000],
    parts,
    inject: async ({ cluster }, { forMs }) => {
      const snapshot = await cluster.redis.snapshot();
      await sleep(forMs);
      await cluster.redis.rewind(snapshot);
      return nothing;
    },
  },
  {
    name: 'redis-full',
    title: 'Redis full (OOM)',
    lastsMs: [1_000, 6_000],
    parts,
    inject: async ({ cluster }) => {
      await onRedis(cluster.redis.url, (redis) => redis.config('SET', 'maxmemory', '1'));
      return async () => {
        await onRedis(cluster.redis.url, (redis) => redis.config('SET', 'maxmemory', '0'));
      };
    },
  },
  failover,
  twoPrimaries,
];
