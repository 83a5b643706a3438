// The declaration of a service. A process needs no more to run it.
import { EVENT_TOPICS, type ProtoPackage } from '@gravity/contracts';
import type { Environment, EnvReader } from '@gravity/kernel';
import { bindEventHandlers } from '@gravity/messaging';
import type { DatabaseOptions, MigrationClass } from '@gravity/persistence';
import type { DynamicModule, Type } from '@nestjs/common';
import { coreOf } from './core.module';
import type { Loop } from './loop';

const POOL_SIZE = 10;
const PARTITIONS = 6;

/** Rows of one table that are deleted when they are older than a limit. */
export interface RetentionRule {
  readonly table: string;
  /** A timestamptz column; an index on it keeps the deletion cheap. */
  readonly column: string;
  readonly keepMs: number;
}

export interface ServiceOptions<C = unknown> {
  /** Also the first segment of its paths, the prefix of its environment keys and the name of its database. */
  readonly name: string;
  /** Further configuration, validated at start; injected by the token `configOf(name)`. */
  readonly config?: (read: EnvReader, env: Environment) => C;
  /** Default true. False for a process that stores nothing: no database, outbox, consumer or retention. */
  readonly database?: boolean;
  /** Connections to Postgres, unless `<NAME>_POOL_SIZE` is set. Default 10. */
  readonly poolSize?: number;
  readonly entities?: DatabaseOptions['entities'];
  readonly migrations?: readonly MigrationClass[];
  /** Topics out. Default: all event topics of the contracts that start with `<name>.`. */
  readonly publishes?: readonly string[];
  /** Partitions of topics that the service creates. Default 6. */
  readonly partitions?: number;
  readonly grpc?: ProtoPackage;
  /** Classes with `@OnEvent` methods. They may inject exports of the features. */
  readonly handlers?: readonly Type[];
  /**
   * Loops that a feature provides: started after the boot in this order, stopped in reverse when the process drains.
   */
  readonly workers?: readonly Type<Loop>[];
  readonly features?: readonly (Type | DynamicModule)[];
  /** Further tables. The kit deletes rows of the outbox, the inbox and the idempotency keys. */
  readonly retention?: readonly RetentionRule[];
  /**
   * Environment keys that hold secrets of the service, beside those of every service. Deployments store them in a
   * Secret.
   */
  readonly secrets?: readonly string[];
  /** True when the database has the table `idempotency_key`. Default: `database`. */
  readonly idempotencyKeys?: boolean;
}

/** A completed declaration, for a start alone or beside others, or for a migration. */
export interface ServiceDeclaration<C = unknown> extends ServiceOptions<C> {
  readonly database: boolean;
  readonly poolSize: number;
  readonly migrations: readonly MigrationClass[];
  readonly publishes: readonly string[];
  readonly partitions: number;
  readonly handlers: readonly Type[];
  readonly workers: readonly Type<Loop>[];
  readonly retention: readonly RetentionRule[];
  readonly idempotencyKeys: boolean;
  readonly secrets: readonly string[];
  /** Binds the event handlers to this service's consumer. */
  readonly transportId: symbol;
  /** The service as one Nest module. */
  readonly module: DynamicModule;
}

/** Completes a declaration with the defaults. Reads no environment and starts nothing. */
export function defineService<C = unknown>(options: ServiceOptions<C>): ServiceDeclaration<C> {
  const { name, handlers = [], features = [], database = true } = options;
  const transportId = Symbol.for(`gravity.events.${name}`);
  bindEventHandlers(handlers, transportId);
  return {
    ...options,
    database,
    poolSize: options.poolSize ?? POOL_SIZE,
    migrations: options.migrations ?? [],
    publishes: database ? (options.publishes ?? EVENT_TOPICS.filter((topic) => topic.startsWith(`${name}.`))) : [],
    partitions: options.partitions ?? PARTITIONS,
    handlers,
    workers: options.workers ?? [],
    retention: options.retention ?? [],
    idempotencyKeys: options.idempotencyKeys ?? database,
    secrets: options.secrets ?? [],
    transportId,
    module: { module: moduleClass(name), imports: [coreOf(name), ...features], controllers: [...handlers] },
  };
}

/** Nest identifies modules by their class. */
function moduleClass(name: string): Type {
  class ServiceModule {}
  Object.defineProperty(ServiceModule, 'name', { value: `${name} service` });
  return ServiceModule;
}
