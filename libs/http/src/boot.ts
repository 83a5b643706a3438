// Starts one or many services in one process, and stops them in order. HTTP comes up first; event consumers follow in
// the background, so a process boots while Postgres, Redis or Kafka are away and says so in its readiness.
import type { DynamicModule, INestApplication, INestMicroservice, Type } from '@nestjs/common';
import type { Server } from 'node:http';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type CustomTransportStrategy, MicroserviceOptions } from '@nestjs/microservices';
import type { ProtoPackage } from '@gravity/contracts';
import { type Environment, monotonicMs, sleep } from '@gravity/kernel';
import { createLogger, type JsonLogger, startProcessMetrics, startTracing, type Tracing } from '@gravity/observability';
import { startAdminServer } from './admin-server';
import { ApiDocument } from './api-document';
import { type GrpcConnectionLimits, GrpcServer } from './grpc-server';
import { HealthRegistry } from './health-registry';
import { type HttpConfig, readHttpConfig } from './http-config';
import { BODY_BYTES_MAX, CONNECTION_LIMITS, type ConnectionLimits, createHttpAdapter } from './http-server';
import { openApiDocument, routesOf } from './openapi';
import { PlatformModule } from './platform.module';
import { RateLimiter } from './rate-limiter';
import { bounded, Connections, drainHttp, ShutdownHooks } from './shutdown';
import { problemOfDatabaseError } from './database-problem';
import type { ErrorClassifier } from './tokens';

/** Connections of a crowd that comes at once, until the event loop takes them; the kernel's `net.core.somaxconn` bounds it further. */
const BACKLOG = 4_096;
const CONSUMER_RETRY_MIN_MS = 250;
const CONSUMER_RETRY_MAX_MS = 5_000;

/** One service, as its application folder describes it. */
export interface ServiceDefinition {
  /** Also the first segment of its paths: `orders`. */
  readonly name: string;
  readonly module: DynamicModule | Type;
  readonly grpc?: ProtoPackage;
  /** Token of the `CustomTransportStrategy` that consumes this service's events. Its `close` may be called twice. */
  readonly eventServer?: symbol | Type;
  /** Brings the service's database up to date; idempotent and locked. */
  migrate(): Promise<void>;
}

export interface BootOptions {
  readonly env: Environment;
  /** Default `HTTP_HOST`, else loopback. */
  readonly host?: string;
  /** Default `HTTP_PORT`; 0 takes any free port. */
  readonly port?: number;
  /** Default `GRPC_PORT`; without either, gRPC stays off. 0 takes any free port. */
  readonly grpcPort?: number;
  readonly logger?: JsonLogger;
  /** Largest request body. Default 64 KiB. */
  readonly bodyLimitBytes?: number;
  /** How long clients may take. Default: the stated bounds. */
  readonly connectionLimits?: ConnectionLimits;
  /** How long gRPC connections may say nothing. Default: the stated bounds. */
  readonly grpcConnectionLimits?: GrpcConnectionLimits;
  readonly extraModules?: readonly (DynamicModule | Type)[];
  /** Turns an infrastructure error into a problem. Default: by the class of a database error. */
  readonly classifyError?: ErrorClassifier;
  /** Stop on SIGTERM and SIGINT and end the process. Default false. */
  readonly stopOnSignals?: boolean;
}

export interface RunningServices {
  /** `http://127.0.0.1:49152` */
  readonly url: string;
  /** `127.0.0.1:49153`, when gRPC is on. */
  readonly grpcUrl?: string;
  readonly app: INestApplication;
  /** Stops in order; no accepted request fails. May be called again: the same stop. */
  close(): Promise<void>;
}

interface Parts {
  readonly app: NestFastifyApplication;
  readonly config: HttpConfig;
  readonly logger: JsonLogger;
  readonly tracing: Tracing;
  readonly connections: Connections;
  readonly grpc: GrpcServer | undefined;
  readonly admin: Server | undefined;
  readonly strategies: readonly (CustomTransportStrategy & { close(): unknown })[];
}

/** Starts the services and resolves when they take requests. Throws when the configuration is wrong. */
export async function bootServices(
  definitions: readonly ServiceDefinition[],
  options: BootOptions,
): Promise<RunningServices> {
  const config = readHttpConfig(options.env);
  const processName = definitions.map((definition) => definition.name).join('+') || 'gravity';
  const logger = options.logger ?? createLogger({ service: processName, ...levelOf(options.env) });
  const tracing = await startTracing(options.env, processName);
  startProcessMetrics();
  const phase = { leaving: false };
  const leave = (): void => {
    phase.leaving = true;
    connections.endAfterCurrentAnswer();
  };
  const adapter = createHttpAdapter({
    bodyLimitBytes: options.bodyLimitBytes ?? BODY_BYTES_MAX,
    connectionLimits: options.connectionLimits ?? CONNECTION_LIMITS,
    trustedProxies: config.trustedProxies,
    services: definitions.map((definition) => definition.name),
    isLeaving: () => phase.leaving,
  });
  const connections = new Connections(adapter.getHttpServer<Server>());
  const modules = [...definitions.map((definition) => definition.module), ...(options.extraModules ?? [])];
  const classifyError = options.classifyError ?? problemOfDatabaseError;
  const root = PlatformModule.around(modules, { config, env: options.env, logger, classifyError });
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    logger,
    bodyParser: false,
    abortOnError: false,
  });
  try {
    return await start(app, definitions, options, { config, logger, tracing, connections, leave });
  } catch (error) {
    await app.close();
    throw error;
  }
}

interface Base extends Pick<Parts, 'config' | 'logger' | 'tracing' | 'connections'> {
  /** From now on every answer is the last on its connection. */
  readonly leave: () => void;
}

async function start(
  app: NestFastifyApplication,
  definitions: readonly ServiceDefinition[],
  options: BootOptions,
  { config, logger, tracing, connections, leave }: Base,
): Promise<RunningServices> {
  refuseUndeclaredRoutes(app);
  const health = app.get(HealthRegistry);
  const grpcPort = options.grpcPort ?? config.grpcPort;
  const host = options.host ?? config.host;
  const grpc = connectGrpc(app, definitions, host, grpcPort, health, options.grpcConnectionLimits);
  const consumers = connectConsumers(app, definitions);
  app.get(ApiDocument).from(() => openApiDocument(app));
  await app.listen({ port: options.port ?? config.port, host, backlog: BACKLOG });
  if (grpc) await grpc.microservice.listen();
  const admin = config.adminPort === undefined ? undefined : await startAdminServer(host, config.adminPort, health);
  const hooks = app.get(ShutdownHooks);
  for (const consumer of consumers) void startConsumer(consumer.name, consumer.microservice, hooks.stopping, logger);
  health.markStarted();
  const strategies = consumers.map((consumer) => consumer.strategy);
  const parts = { app, config, logger, tracing, connections, grpc: grpc?.server, admin, strategies };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= stop(parts, health, hooks, leave);
    return closing;
  };
  if (options.stopOnSignals === true) stopOnSignals(close, logger);
  const url = await app.getUrl();
  const grpcUrl = grpc === undefined ? {} : { grpcUrl: `${host}:${grpc.server.port}` };
  logger.info('listening', { url, ...grpcUrl, services: definitions.map((definition) => definition.name) });
  return { url, ...grpcUrl, app, close };
}

function levelOf(env: Environment): { level?: string } {
  return env['LOG_LEVEL'] === undefined ? {} : { level: env['LOG_LEVEL'] };
}

/** A route without a declaration is refused by the guard anyway; here it does not even start. */
function refuseUndeclaredRoutes(app: INestApplication): void {
  const silent = routesOf(app).filter((route) => route.policy.access === undefined);
  if (silent.length === 0) return;
  const names = silent.map((route) => `${route.method} ${route.path} (${route.policy.operation})`).join(', ');
  throw new Error(`These routes do not declare their callers: ${names}`);
}

function connectGrpc(
  app: INestApplication,
  definitions: readonly ServiceDefinition[],
  host: string,
  port: number | undefined,
  health: HealthRegistry,
  limits: GrpcConnectionLimits | undefined,
): { server: GrpcServer; microservice: INestMicroservice } | undefined {
  const packages = definitions.flatMap((definition) => definition.grpc ?? []);
  if (port === undefined || packages.length === 0) return undefined;
  const server = new GrpcServer({ host, port }, packages, health, limits);
  return {
    server,
    microservice: app.connectMicroservice<MicroserviceOptions>({ strategy: server }, { inheritAppConfig: true }),
  };
}

function connectConsumers(
  app: INestApplication,
  definitions: readonly ServiceDefinition[],
): { name: string; strategy: CustomTransportStrategy & { close(): unknown }; microservice: INestMicroservice }[] {
  return definitions.flatMap((definition) => {
    if (definition.eventServer === undefined) return [];
    const strategy = app.get<CustomTransportStrategy & { close(): unknown }>(definition.eventServer, { strict: false });
    return [
      { name: definition.name, strategy, microservice: app.connectMicroservice<MicroserviceOptions>({ strategy }) },
    ];
  });
}

/** Keeps trying until the consumer runs or the process stops; its broker may come up long after us. */
async function startConsumer(
  name: string,
  microservice: INestMicroservice,
  stopping: AbortSignal,
  logger: JsonLogger,
): Promise<void> {
  let delayMs = CONSUMER_RETRY_MIN_MS;
  while (!stopping.aborted) {
    try {
      await microservice.listen();
      return;
    } catch (error) {
      logger.warn('event consumer could not start, will retry', { service: name, retryInMs: delayMs, error });
      await sleep(delayMs, stopping);
      delayMs = Math.min(delayMs * 2, CONSUMER_RETRY_MAX_MS);
    }
  }
}

async function stop(parts: Parts, health: HealthRegistry, hooks: ShutdownHooks, leave: () => void): Promise<void> {
  const { app, config, logger, grpc } = parts;
  const deadlineMs = monotonicMs() + config.shutdownDrainMs + config.shutdownTimeoutMs;
  logger.info('stopping', { drainMs: config.shutdownDrainMs });
  health.markDraining();
  await grpc?.mirrorHealth();
  // First the balancers learn that we are leaving; once they send new connections elsewhere, open ones are closed too.
  if (config.shutdownDrainMs > 0) {
    await sleep(config.shutdownDrainMs / 2);
    leave();
    await sleep(config.shutdownDrainMs / 2);
  }
  await parts.connections.untilQueueIsEmpty();
  const drained = drainHttp(app.getHttpServer(), deadlineMs);
  // After the listener is closed: a client that is asked to reconnect must not land in its queue.
  leave();
  hooks.announce();
  await Promise.all([drained, grpc && bounded('grpc', deadlineMs, logger, () => grpc.drain())]);
  for (const strategy of parts.strategies)
    await bounded('event consumer', deadlineMs, logger, async () => {
      await strategy.close();
    });
  for (const hook of hooks.registered) await bounded(hook.name, deadlineMs, logger, hook.run);
  await bounded('rate limits', deadlineMs, logger, () => app.get(RateLimiter).close());
  await bounded('application', deadlineMs, logger, () => app.close());
  parts.admin?.closeAllConnections();
  parts.admin?.close();
  await bounded('traces', deadlineMs, logger, () => parts.tracing.shutdown());
  logger.info('stopped');
}

function stopOnSignals(close: () => Promise<void>, logger: JsonLogger): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      close().then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error('stop failed', { error });
          process.exit(1);
        },
      );
    });
  }
}
