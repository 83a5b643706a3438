// Starts everything on this machine: the three servers, then all services in this process on one base URL.
import 'reflect-metadata';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Environment } from '@gravity/kernel';
import { createLogger } from '@gravity/observability';
import { bootServices, migrateService, type RunningServices } from '@gravity/service';
import {
  defaultDataDir,
  type LocalIssuer,
  preferredPort,
  type Stack,
  type StackOptions,
  startStack,
} from '@gravity/testing';
import { SERVICES } from '../../apps/services';
import { issuerOf, loadSecrets } from '../lib/secrets';
import { IssuerModule } from './issuer.module';
import { localEnvironment } from './local-environment';

const LOOPBACK = '127.0.0.1';
const PREFERRED_PORT = 8_080;
const PREFERRED_GRPC_PORT = 8_081;

export interface LocalOptions {
  /** Folder for data, secrets and logs. Default `.gravity`. */
  readonly dataDir?: string;
  /** Options of the three servers. */
  readonly stack?: Omit<StackOptions, 'dataDir' | 'handleSignals'>;
  /** `usual` (default) prefers 8080 and 8081; `free` never uses them. */
  readonly ports?: 'usual' | 'free';
  /** Further configuration of the services, for example the names of their databases. It takes precedence. */
  readonly overrides?: (stack: Stack) => Environment;
  /** Name of the log file in the data folder. Default `services.log`. */
  readonly logFile?: string;
  /** Called with a text for each step. */
  readonly onProgress?: (what: string) => void;
}

/** The running system. */
export interface Local {
  readonly stack: Stack;
  readonly issuer: LocalIssuer;
  /** The configuration of the services. */
  readonly env: Environment;
  readonly baseUrl: string;
  readonly grpcAddress: string | undefined;
  readonly logFile: string;
  /** Stops the services, then the servers that were started here. Safe to call twice. */
  close(): Promise<void>;
}

/** Starts everything; resolves when the services are ready. When a part fails to start, it stops the others and rejects. */
export async function startLocal(options: LocalOptions = {}): Promise<Local> {
  const dataDir = resolve(options.dataDir ?? defaultDataDir());
  const progress = options.onProgress ?? (() => undefined);
  await mkdir(dataDir, { recursive: true });
  const stack = await startStack({ ...options.stack, dataDir, handleSignals: false });
  try {
    return await startServices(stack, dataDir, options, progress);
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

async function startServices(
  stack: Stack,
  dataDir: string,
  options: LocalOptions,
  progress: (what: string) => void,
): Promise<Local> {
  const secrets = await loadSecrets(dataDir);
  const issuer = await issuerOf(secrets);
  const wanted = options.ports === 'free' ? undefined : { http: PREFERRED_PORT, grpc: PREFERRED_GRPC_PORT };
  const port = await preferredPort(wanted?.http);
  const grpcPort = await preferredPort(wanted?.grpc);
  const baseUrl = `http://${LOOPBACK}:${port}`;
  const env = localEnvironment({ baseUrl, stack: stack.env }, secrets, issuer, options.overrides?.(stack));
  progress('Migrating the databases …');
  for (const service of SERVICES) await migrateService(service, env);
  const logFile = join(dataDir, options.logFile ?? 'services.log');
  const log = createWriteStream(logFile, { flags: 'w', mode: 0o600 });
  const logger = createLogger({ service: 'local', level: env['LOG_LEVEL'] ?? 'info', destination: log });
  progress('Starting the services …');
  const running = await bootServices(SERVICES, {
    env,
    host: LOOPBACK,
    port,
    grpcPort,
    logger,
    extraModules: [IssuerModule.serving(issuer)],
  });
  return { stack, issuer, env, baseUrl, grpcAddress: running.grpcUrl, logFile, close: closer(running, stack, log) };
}

function closer(running: RunningServices, stack: Stack, log: { end(): void }): () => Promise<void> {
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    // The servers stop even when a service fails to stop.
    await running.close().finally(() => stack.stop());
    log.end();
  };
  return () => (closing ??= close());
}
