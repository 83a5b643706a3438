// The three servers as containers, when a Docker engine runs. Ports are published on 127.0.0.1 only. Data is in named
// volumes with the hash of the data folder in their name, so checkouts do not share data.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ENGINE_TITLES, type EngineName, type RedisHandle } from './engine';
import { KAFKA_SETTINGS, probeKafka } from './kafka-config';
import { findProgram } from './paths';
import { postgresSettingArgs, probePostgres } from './postgres';
import { preferredPort } from './ports';
import { mustRun, run } from './process';
import { flushRedis, probeRedis, REDIS_SETTINGS } from './redis';

const IMAGES: Readonly<Record<EngineName, string>> = {
  postgres: 'postgres:18',
  redis: 'redis:8',
  kafka: 'apache/kafka:4.4.0',
};
const ASK_WITHIN_MS = 4_000;
const PULL_WITHIN_MS = 600_000;
const COMMAND_WITHIN_MS = 60_000;
const READY_WITHIN_MS = 90_000;
const PROBE_EVERY_MS = 100;
const STOP_WITHIN_S = 20;

/** True when a Docker engine answers. A client alone is not enough. */
export async function dockerEngineRuns(): Promise<boolean> {
  const docker = findProgram('docker');
  if (docker === undefined) return false;
  const { code, stdout } = await run(docker, ['info', '--format', '{{.ServerVersion}}'], { timeoutMs: ASK_WITHIN_MS });
  return code === 0 && /^\d/.test(stdout.trim());
}

/** Starts one engine as a container and resolves when it answers. */
export async function startContainer(
  name: EngineName,
  dataDir: string,
  preferred: number | undefined,
  keep: boolean,
): Promise<RedisHandle> {
  const port = await preferredPort(preferred);
  const container = containerName(name, dataDir);
  const password = await containerPassword(dataDir);
  const { publish, args, url, probe } = recipe(name, port, password);
  // A container of the same name is left over from an earlier run in this folder.
  await run('docker', ['rm', '--force', container], { timeoutMs: COMMAND_WITHIN_MS });
  const volume = keep ? volumeArgs(name, dataDir) : [];
  const secret = { ...process.env, POSTGRES_PASSWORD: password };
  const create = [
    'run',
    '--detach',
    '--name',
    container,
    '--publish',
    `127.0.0.1:${port}:${publish}`,
    ...volume,
    ...args,
  ];
  await mustRun('docker', create, { timeoutMs: PULL_WITHIN_MS, env: secret });
  const handle = new ContainerEngine(name, url, container, probe);
  await handle.becomeReady();
  return handle;
}

/** Removes the volumes of a data folder. */
export async function removeVolumes(dataDir: string): Promise<void> {
  const volumes = (Object.keys(IMAGES) as EngineName[]).map((name) => containerName(name, dataDir));
  await run('docker', ['volume', 'rm', '--force', ...volumes], { timeoutMs: COMMAND_WITHIN_MS });
}

function containerName(name: EngineName, dataDir: string): string {
  return `gravity-${createHash('sha256').update(dataDir).digest('hex').slice(0, 10)}-${name}`;
}

function volumeArgs(name: EngineName, dataDir: string): string[] {
  const paths: Partial<Record<EngineName, string>> = { postgres: '/var/lib/postgresql', kafka: '/var/lib/kafka/data' };
  const path = paths[name];
  return path === undefined ? [] : ['--volume', `${containerName(name, dataDir)}:${path}`];
}

async function containerPassword(dataDir: string): Promise<string> {
  const file = join(dataDir, 'container.password');
  await mkdir(dataDir, { recursive: true });
  if (!existsSync(file)) await writeFile(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
  return readFile(file, 'utf8');
}

interface Recipe {
  /** The port inside the container. */
  readonly publish: number;
  /** The arguments of `docker run`, from the environment on. */
  readonly args: readonly string[];
  readonly url: string;
  readonly probe: () => Promise<void>;
}

function recipe(name: EngineName, port: number, password: string): Recipe {
  if (name === 'postgres') {
    const url = `postgresql://gravity:${password}@127.0.0.1:${port}/postgres`;
    // The password is passed in the environment: every user of the machine can read command lines.
    const env = ['--env', 'POSTGRES_USER=gravity', '--env', 'POSTGRES_PASSWORD', '--shm-size', '256m'];
    return {
      publish: 5432,
      args: [...env, IMAGES.postgres, 'postgres', ...postgresSettingArgs()],
      url,
      probe: () => probePostgres(url),
    };
  }
  if (name === 'redis') {
    const url = `redis://127.0.0.1:${port}`;
    return {
      publish: 6379,
      args: [IMAGES.redis, 'redis-server', ...REDIS_SETTINGS],
      url,
      probe: () => probeRedis(url),
    };
  }
  const brokers = `127.0.0.1:${port}`;
  return {
    publish: 9092,
    args: [...kafkaEnvironment(port), IMAGES.kafka],
    url: brokers,
    probe: () => probeKafka(brokers),
  };
}

function kafkaEnvironment(port: number): string[] {
  const settings = {
    ...KAFKA_SETTINGS,
    // The broker connects to itself through an own listener: the published port does not exist inside the container.
    listeners: 'INTERNAL://:19092,CLIENT://:9092,CONTROLLER://:9093',
    'advertised.listeners': `INTERNAL://localhost:19092,CLIENT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'INTERNAL:PLAINTEXT,CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    'controller.quorum.voters': '1@localhost:9093',
    'log.dirs': '/var/lib/kafka/data',
  };
  // The image turns KAFKA_NODE_ID into node.id and so on.
  const variables = Object.entries(settings).map(
    ([key, value]) => `KAFKA_${key.replaceAll('.', '_').toUpperCase()}=${value}`,
  );
  return [...variables, 'KAFKA_HEAP_OPTS=-Xmx512m'].flatMap((variable) => ['--env', variable]);
}

class ContainerEngine implements RedisHandle {
  readonly owned = true;
  readonly source = 'docker';
  readonly pid = undefined;

  constructor(
    readonly name: EngineName,
    readonly url: string,
    private readonly container: string,
    private readonly probe: () => Promise<void>,
  ) {}

  async becomeReady(): Promise<void> {
    const deadline = performance.now() + READY_WITHIN_MS;
    for (;;) {
      try {
        return await this.probe();
      } catch (error) {
        if (performance.now() > deadline)
          throw new Error(`${ENGINE_TITLES[this.name]}'s container does not answer (${String(error)}).`, {
            cause: error,
          });
        await sleep(PROBE_EVERY_MS);
      }
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.docker('kill', '--signal', signal, this.container);
    await this.docker('wait', this.container);
  }

  async start(): Promise<void> {
    await this.docker('start', this.container);
    await this.becomeReady();
  }

  async restart(): Promise<void> {
    await this.docker('stop', '-t', String(STOP_WITHIN_S), this.container);
    await this.start();
  }

  pause(): Promise<void> {
    return this.docker('pause', this.container);
  }

  resume(): Promise<void> {
    return this.docker('unpause', this.container);
  }

  async stop(): Promise<void> {
    await run('docker', ['stop', '-t', String(STOP_WITHIN_S), this.container], { timeoutMs: COMMAND_WITHIN_MS });
    await this.docker('rm', '--force', '--volumes', this.container);
  }

  flush(): Promise<void> {
    return flushRedis(this.url);
  }

  async snapshot(): Promise<string> {
    await this.docker('exec', this.container, 'redis-cli', 'save');
    const inside = `/data/snapshot-${randomBytes(4).toString('hex')}.rdb`;
    await this.docker('exec', this.container, 'cp', '/data/dump.rdb', inside);
    return inside;
  }

  async rewind(snapshotFile: string): Promise<void> {
    await this.docker('exec', this.container, 'cp', snapshotFile, '/data/dump.rdb');
    await this.kill();
    await this.start();
  }

  private async docker(...args: string[]): Promise<void> {
    await mustRun('docker', args, { timeoutMs: COMMAND_WITHIN_MS });
  }
}
