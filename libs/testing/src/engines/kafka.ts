// A local Apache Kafka: one node that is broker and controller, on 127.0.0.1.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineHandle, Log } from './engine';
import { kafkaCommand, writeKafkaConfig, type KafkaJit } from './kafka-config';
import { formatLogFolder, installKafka } from './kafka-install';
import { lostBy, MachineEngine, startOnPort, type EngineOptions } from './machine-engine';
import { freePort, preferredPort } from './ports';
import type { ServerCommand } from './process';

/** Options of {@link startKafka}. */
export interface KafkaOptions extends EngineOptions {
  readonly jit?: KafkaJit | undefined;
  /** The advertised port, when it is that of a fault-injecting proxy. */
  readonly advertisedPort?: number | undefined;
  readonly log: Log;
}

/** Starts a broker and resolves when it answers. Downloads Kafka on first use. */
export async function startKafka(options: KafkaOptions): Promise<EngineHandle> {
  const { folder, jit = 'fast-start', advertisedPort } = options;
  const installation = await installKafka(options.log);
  await mkdir(folder, { recursive: true });
  const logFolder = join(folder, 'log');
  if (!existsSync(join(logFolder, 'meta.properties'))) await formatLogFolder(installation, logFolder);
  const controllerPort = await freePort();
  const commandFor = async (port: number): Promise<ServerCommand> => {
    const config = await writeKafkaConfig(folder, { port, controllerPort, advertisedPort });
    return {
      ...kafkaCommand(installation, jit, folder, config.file),
      probe: () => config.probe(),
      onLost: lostBy('kafka', options),
    };
  };
  const { server, port } = await startOnPort(await preferredPort(options.preferredPort), commandFor);
  return new MachineEngine('kafka', `127.0.0.1:${port}`, server);
}
