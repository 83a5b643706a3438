// The core of a service: configuration, database, event bus, outbox, consumer, retention. There is one module class per
// service name, so that several services run in one process, each with its own Database under the same token.
import { validateEvent } from '@gravity/contracts';
import { APP_ENVIRONMENT, APP_LOGGER } from '@gravity/http';
import { type Environment, systemClock } from '@gravity/kernel';
import { KafkaEventBus, KafkaEventServer, OutboxRelay } from '@gravity/messaging';
import type { AppLogger } from '@gravity/observability';
import { Database, openDatabase } from '@gravity/persistence';
import { Inject, Module, type OnApplicationShutdown, Optional, type Provider, type Type } from '@nestjs/common';
import type { ServiceDeclaration } from './declaration';
import { Outbox } from './outbox';
import { Retention } from './retention';
import { readServiceConfig, type ServiceConfig } from './service-config';
import { CLOCK, configOf, type Declarations, DECLARATIONS } from './tokens';

/** The declaration of the core's service. */
const DECLARATION = Symbol('gravity.declaration');
const SERVICE_CONFIG = Symbol('gravity.service-config');

const cores = new Map<string, Type>();

/** The core module of a service; the same class for the same name. Features import it. */
export function coreOf(name: string): Type {
  const known = cores.get(name);
  if (known !== undefined) return known;
  @Module({
    providers: coreProviders(name),
    exports: [configOf(name), CLOCK, Database, OutboxRelay, Outbox, KafkaEventServer, KafkaEventBus, Retention],
  })
  class ServiceCore implements OnApplicationShutdown {
    constructor(
      @Optional() @Inject(Database) private readonly database: Database | undefined,
      @Optional() @Inject(KafkaEventBus) private readonly bus: KafkaEventBus | undefined,
      @Optional() @Inject(OutboxRelay) private readonly relay: OutboxRelay | undefined,
    ) {}

    /** Stops the relay too: the drain has done it, except in a process whose start failed. */
    async onApplicationShutdown(): Promise<void> {
      await this.relay?.stop();
      await this.bus?.close();
      await this.database?.close();
    }
  }
  Object.defineProperty(ServiceCore, 'name', { value: `${name} core` });
  cores.set(name, ServiceCore);
  return ServiceCore;
}

// A service without a database, topics or handlers has undefined under the token of that part. No provider connects:
// the process boots while Postgres and Kafka are down.
function coreProviders(name: string): Provider[] {
  const common = [DECLARATION, SERVICE_CONFIG];
  return [
    {
      provide: DECLARATION,
      inject: [DECLARATIONS],
      useFactory: (all: Declarations) => declarationOf(all, name),
    },
    {
      provide: SERVICE_CONFIG,
      inject: [DECLARATION, APP_ENVIRONMENT],
      useFactory: (declaration: ServiceDeclaration, env: Environment) => readServiceConfig(declaration, env),
    },
    { provide: configOf(name), inject: [SERVICE_CONFIG], useFactory: ({ own }: ServiceConfig) => own },
    { provide: CLOCK, useValue: systemClock },
    { provide: Database, inject: common, useFactory: databaseOf },
    { provide: KafkaEventBus, inject: [...common, APP_LOGGER], useFactory: busOf },
    {
      provide: OutboxRelay,
      inject: [...common, APP_LOGGER, { token: KafkaEventBus, optional: true }],
      useFactory: relayOf,
    },
    { provide: KafkaEventServer, inject: [...common, APP_LOGGER, Database], useFactory: consumerOf },
    { provide: Retention, inject: [DECLARATION, Database], useFactory: retentionOf },
    Outbox,
  ];
}

function declarationOf(all: Declarations, name: string): ServiceDeclaration {
  const declaration = all.get(name);
  if (declaration === undefined) throw new Error(`A module imports coreOf('${name}'), but no such service is started.`);
  return declaration;
}

function databaseOf({ name, database, entities }: ServiceDeclaration, config: ServiceConfig): Database | undefined {
  if (!database) return undefined;
  const { databaseUrl: url, poolSize } = config;
  return openDatabase({ url, applicationName: name, poolSize, ...(entities === undefined ? {} : { entities }) });
}

function busOf(declaration: ServiceDeclaration, config: ServiceConfig, log: AppLogger): KafkaEventBus | undefined {
  const { name, publishes, partitions } = declaration;
  if (publishes.length === 0) return undefined;
  const { kafkaBrokers: brokers, topicPrefix } = config;
  const topics = publishes.map((topic) => ({ topic, partitions }));
  return new KafkaEventBus({ brokers, clientId: name, topicPrefix, topics, log });
}

function relayOf(
  { name }: ServiceDeclaration,
  { databaseUrl: url }: ServiceConfig,
  log: AppLogger,
  bus: KafkaEventBus | undefined,
): OutboxRelay | undefined {
  return bus && new OutboxRelay({ url, bus, service: name, log });
}

function consumerOf(
  { name, handlers, partitions, transportId }: ServiceDeclaration,
  { kafkaBrokers: brokers, topicPrefix }: ServiceConfig,
  log: AppLogger,
  database: Database,
): KafkaEventServer | undefined {
  if (handlers.length === 0) return undefined;
  const validate = (type: string, payload: unknown): string | undefined => validateEvent(type, payload);
  const names = { transportId, consumer: name, clientId: name };
  return new KafkaEventServer({ ...names, brokers, topicPrefix, partitions, validate, database, log });
}

function retentionOf(declaration: ServiceDeclaration, database: Database | undefined): Retention | undefined {
  return database && new Retention(declaration, database);
}
