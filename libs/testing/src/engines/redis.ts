// A local Redis. It keeps nothing on disk: the system must survive its loss at any time.
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { RedisHandle } from './engine';
import { lostBy, MachineEngine, startOnPort, type EngineOptions } from './machine-engine';
import { preferredPort } from './ports';
import type { ServerCommand, ServerProcess } from './process';
import { redisProgram } from './requirements';

/** Settings of every local Redis. The container gets the same ones. */
export const REDIS_SETTINGS: readonly string[] = [
  '--save',
  '',
  '--appendonly',
  'no',
  '--maxmemory-policy',
  'noeviction',
];

/** Starts a Redis on 127.0.0.1 and resolves when it answers. */
export async function startRedis(options: EngineOptions): Promise<RedisHandle> {
  const program = redisProgram();
  if (program === undefined) throw new Error('No redis-server or valkey-server on the PATH.');
  await mkdir(options.folder, { recursive: true });
  const network = (port: number): string[] => [
    '--bind',
    '127.0.0.1',
    '--port',
    String(port),
    '--protected-mode',
    'yes',
    '--daemonize',
    'no',
  ];
  const commandFor = async (port: number): Promise<ServerCommand> => ({
    title: 'Redis',
    command: program,
    args: [...network(port), '--dir', options.folder, '--dbfilename', 'dump.rdb', ...REDIS_SETTINGS],
    cwd: options.folder,
    logFile: join(options.folder, 'redis.log'),
    stopSignal: 'SIGTERM',
    stopWithinMs: 5_000,
    readyWithinMs: 20_000,
    probe: () => probeRedis(`redis://127.0.0.1:${port}`),
    onLost: lostBy('redis', options),
  });
  const { server, port } = await startOnPort(await preferredPort(options.preferredPort), commandFor);
  return new MachineRedis(`redis://127.0.0.1:${port}`, server, options.folder);
}

class MachineRedis extends MachineEngine implements RedisHandle {
  constructor(
    url: string,
    server: ServerProcess,
    private readonly folder: string,
  ) {
    super('redis', url, server);
  }

  override async start(): Promise<void> {
    // An ordinary start must not load the file of a snapshot.
    await rm(join(this.folder, 'dump.rdb'), { force: true });
    await super.start();
  }

  override async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  flush(): Promise<void> {
    return flushRedis(this.url);
  }

  async snapshot(): Promise<string> {
    await withRedis(this.url, (redis) => redis.save());
    const file = join(this.folder, `snapshot-${randomBytes(4).toString('hex')}.rdb`);
    await copyFile(join(this.folder, 'dump.rdb'), file);
    return file;
  }

  async rewind(snapshotFile: string): Promise<void> {
    await this.kill();
    await copyFile(snapshotFile, join(this.folder, 'dump.rdb'));
    await super.start();
  }
}

/** Deletes every key of the server. */
export async function flushRedis(url: string): Promise<void> {
  await withRedis(url, (redis) => redis.flushall());
}

/** Resolves when the server answers; rejects when it does not, or when it is loading. */
export async function probeRedis(url: string): Promise<void> {
  await withRedis(url, (redis) => redis.ping());
}

async function withRedis(url: string, work: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    await work(redis);
  } finally {
    redis.disconnect();
  }
}
