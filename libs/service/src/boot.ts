// Starts one or many services in one process, and stops them in order. HTTP starts first; event consumers start in the
// background, so a process boots while Postgres, Redis or Kafka are down, and its readiness shows it.
import type { DynamicModule, INestApplication, INestMicroservice, Type } from '@nestjs/common';
import type { Server } from 'node:http';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MicroserviceOptions } from '@nestjs/microservices';
import {
  ApiDocument,
  BODY_BYTES_MAX,
  bounded,
  CONNECTION_LIMITS,
  type ConnectionLimits,
  Connections,
  createHttpAdapter,
  drainHttp,
  type ErrorClassifier,
  type GrpcConnectionLimits,
  GrpcServer,
  HealthRegistry,
  type HttpConfig,
  openApiDocument,
  problemOfDatabaseError,
  RateLimiter,
  readHttpConfig,
  routesOf,
  ShutdownHooks,
  startAdminServer,
} from '@gravity/http';
import { type Environment, monotonicMs, sleep } from '@gravity/kernel';
import { hasUnboundHandlers } from '@gravity/messaging';
import { createLogger, type JsonLogger, startProcessMetrics, startTracing, type Tracing } from '@gravity/observability';
import type { ServiceDeclaration } from './declaration';
import { PlatformModule } from './platform.module';
import { readServiceConfig } from './service-config';
import { ServiceRuntime } from './service-runtime';

/** Connections that wait until the event loop accepts them. The kernel's `net.core.somaxconn` bounds it further. */
const BACKLOG = 4_096;

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
  /** Time limits of HTTP clients. Default: {@link CONNECTION_LIMITS}. */
  readonly connectionLimits?: ConnectionLimits;
  /** Time limits of silent gRPC connections. Default: those of {@link GrpcServer}. */
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
  readonly runtimes: readonly ServiceRuntime[];
}

/** Starts the services and resolves when they take requests. Throws when the configuration is wrong. */
export async function bootServices(
  declarations: readonly ServiceDeclaration[],
  options: BootOptions,
): Promise<RunningServices> {
  const config = readHttpConfig(options.env);
  for (const declaration of declarations) readServiceConfig(declaration, options.env);
  const processName = declarations.map((declaration) => declaration.name).join('+') || 'gravity';
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
    services: declarations.map((declaration) => declaration.name),
    isLeaving: () => phase.leaving,
  });
  const connections = new Connections(adapter.getHttpServer<Server>());
  const root = PlatformModule.around(declarations, {
    config,
    env: options.env,
    logger,
    classifyError: options.classifyError ?? problemOfDatabaseError,
    extraModules: options.extraModules ?? [],
  });
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    logger,
    bodyParser: false,
    abortOnError: false,
  });
  try {
    return await start(app, declarations, options, { config, logger, tracing, connections, leave });
  } catch (error) {
    await app.close();
    throw error;
  }
}

interface Base extends Pick<Parts, 'config' | 'logger' | 'tracing' | 'connections'> {
  /** Makes every later answer the last on its connection. */
  readonly leave: () => void;
}

async function start(
  app: NestFastifyApplication,
  declarations: readonly ServiceDeclaration[],
  options: BootOptions,
  { config, logger, tracing, connections, leave }: Base,
): Promise<RunningServices> {
  refuseUndeclaredRoutes(app);
  refuseUndeclaredHandlers(app);
  const health = app.get(HealthRegistry);
  const grpcPort = options.grpcPort ?? config.grpcPort;
  const host = options.host ?? config.host;
  const grpc = connectGrpc(app, declarations, host, grpcPort, health, options.grpcConnectionLimits);
  const runtimes = declarations.map((declaration) => new ServiceRuntime(app, declaration, logger));
  app.get(ApiDocument).from(() => openApiDocument(app));
  await app.listen({ port: options.port ?? config.port, host, backlog: BACKLOG });
  if (grpc) await grpc.microservice.listen();
  const admin = config.adminPort === undefined ? undefined : await startAdminServer(host, config.adminPort, health);
  const hooks = app.get(ShutdownHooks);
  for (const runtime of runtimes) runtime.start(hooks.stopping);
  health.markStarted();
  const parts = { app, config, logger, tracing, connections, grpc: grpc?.server, admin, runtimes };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= stop(parts, health, hooks, leave);
    return closing;
  };
  if (options.stopOnSignals === true) stopOnSignals(close, logger);
  const url = await app.getUrl();
  const grpcUrl = grpc === undefined ? {} : { grpcUrl: `${host}:${grpc.server.port}` };
  logger.info('listening', { url, ...grpcUrl, services: declarations.map((declaration) => declaration.name) });
  return { url, ...grpcUrl, app, close };
}

function levelOf(env: Environment): { level?: string } {
  return env['LOG_LEVEL'] === undefined ? {} : { level: env['LOG_LEVEL'] };
}

/** Refuses to start with a route without a declaration. The guard would refuse its calls. */
function refuseUndeclaredRoutes(app: INestApplication): void {
  const silent = routesOf(app).filter((route) => route.policy.access === undefined);
  if (silent.length === 0) return;
  const names = silent.map((route) => `${route.method} ${route.path} (${route.policy.operation})`).join(', ');
  throw new Error(`These routes do not declare their callers: ${names}`);
}

/** Events of a handler that no declaration lists would wait in Kafka for ever. */
function refuseUndeclaredHandlers(app: INestApplication): void {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()]);
  const unbound = controllers.flatMap(({ metatype }) =>
    typeof metatype === 'function' && hasUnboundHandlers(metatype as Type) ? [metatype.name] : [],
  );
  if (unbound.length > 0) throw new Error(`No service declares these event handlers: ${unbound.join(', ')}`);
}

function connectGrpc(
  app: INestApplication,
  declarations: readonly ServiceDeclaration[],
  host: string,
  port: number | undefined,
  health: HealthRegistry,
  limits: GrpcConnectionLimits | undefined,
): { server: GrpcServer; microservice: INestMicroservice } | undefined {
  const packages = declarations.flatMap((declaration) => declaration.grpc ?? []);
  if (port === undefined || packages.length === 0) return undefined;
  const server = new GrpcServer({ host, port }, packages, health, limits);
  return {
    server,
    microservice: app.connectMicroservice<MicroserviceOptions>({ strategy: server }, { inheritAppConfig: true }),
  };
}

async function stop(parts: Parts, health: HealthRegistry, hooks: ShutdownHooks, leave: () => void): Promise<void> {
  const { app, config, logger, grpc } = parts;
  const deadlineMs = monotonicMs() + config.shutdownDrainMs + config.shutdownTimeoutMs;
  logger.info('stopping', { drainMs: config.shutdownDrainMs });
  health.markDraining();
  await grpc?.mirrorHealth();
  // First the balancers notice that this process is not ready. After they send new connections elsewhere, open ones are
  // closed.
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
  const { runtimes } = parts;
  // Consumers first, because they start work. Then the hooks of features, and the workers. The outbox last, because all
  // of them add events to it.
  const steps = [
    ...runtimes.flatMap((runtime) => runtime.consumerStop),
    ...hooks.registered,
    ...runtimes.flatMap((runtime) => runtime.workerStops),
    ...runtimes.flatMap((runtime) => runtime.outboxStop),
  ];
  for (const step of steps) await bounded(step.name, deadlineMs, logger, step.run);
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
