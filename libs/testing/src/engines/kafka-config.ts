// Configuration and command of one Kafka broker: KRaft, one node, small.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { connectsTo } from './ports';
import type { ServerCommand } from './process';

/**
 * `fast-start` skips the optimising compiler, for tests and demonstrations. `full` is for measurements and long runs.
 */
export type KafkaJit = 'fast-start' | 'full';

/** Settings of a single node. The container gets the same ones. */
export const KAFKA_SETTINGS: Readonly<Record<string, string | number>> = {
  'node.id': 1,
  'process.roles': 'broker,controller',
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 1_000,
  'default.replication.factor': 1,
  'min.insync.replicas': 1,
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 8,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 4,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'share.coordinator.state.topic.num.partitions': 1,
  'num.network.threads': 2,
  'num.io.threads': 4,
  'log.segment.bytes': 67_108_864,
  'log.index.size.max.bytes': 1_048_576,
  'log.cleaner.dedupe.buffer.size': 8_388_608,
  // After a kill, the broker may not register again before its earlier session has expired.
  'broker.heartbeat.interval.ms': 500,
  'broker.session.timeout.ms': 3_000,
};

export interface KafkaPorts {
  readonly port: number;
  readonly controllerPort: number;
  /** The advertised port; differs from `port` behind a fault-injecting proxy. */
  readonly advertisedPort?: number | undefined;
}

/** Writes server.properties for a broker with its log in `<folder>/log`. */
export async function writeKafkaConfig(
  folder: string,
  ports: KafkaPorts,
): Promise<{ file: string; probe(): Promise<void> }> {
  const { port, controllerPort, advertisedPort = port } = ports;
  const settings = {
    ...KAFKA_SETTINGS,
    listeners: `CLIENT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${advertisedPort}`,
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'CLIENT',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'log.dirs': join(folder, 'log'),
  };
  const file = join(folder, 'server.properties');
  await writeFile(
    file,
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  return { file, probe: () => probeKafka(`127.0.0.1:${port}`) };
}

/** The command that runs the broker, without its probe. */
export function kafkaCommand(
  installation: { readonly java: string; readonly classPath: string; readonly archiveFlags: readonly string[] },
  jit: KafkaJit,
  folder: string,
  configFile: string,
  extraFlags: readonly string[] = [],
): Omit<ServerCommand, 'probe'> {
  const memory = [
    '-Xms64m',
    '-Xmx512m',
    '-XX:+UseSerialGC',
    ...(jit === 'fast-start' ? ['-XX:TieredStopAtLevel=1'] : []),
  ];
  const logging = [
    'defaultLogLevel=warn',
    'showDateTime=true',
    'dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS',
    'showShortLogName=true',
  ];
  const properties = ['-Djava.awt.headless=true', ...logging.map((setting) => `-Dorg.slf4j.simpleLogger.${setting}`)];
  const java = [...memory, ...properties, ...installation.archiveFlags, ...extraFlags, '-cp', installation.classPath];
  return {
    title: 'Kafka',
    command: installation.java,
    args: [...java, 'kafka.Kafka', configFile],
    cwd: folder,
    logFile: join(folder, 'kafka.log'),
    stopSignal: 'SIGTERM',
    stopWithinMs: 15_000,
    readyWithinMs: 60_000,
  };
}

/** Resolves when the broker answers and has a controller; rejects when it does not. */
export async function probeKafka(brokers: string): Promise<void> {
  const list = brokers.split(',').map((broker) => broker.trim());
  const [host = '', port = ''] = (list[0] ?? '').split(':');
  // A connection first: kafkajs retries for a long time on a closed port.
  if (list.length === 1) await connectsTo(Number(port), host);
  const kafka = new Kafka({
    brokers: list,
    clientId: 'gravity-probe',
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    connectionTimeout: 2_000,
    requestTimeout: 2_000,
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    if (cluster.brokers.length === 0 || cluster.controller === null) throw new Error('No broker has registered yet.');
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
