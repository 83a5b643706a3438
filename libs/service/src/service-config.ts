// The configuration that the kit reads for every service.
import { type Environment, EnvReader } from '@gravity/kernel';
import { serviceDatabaseUrl } from '@gravity/persistence';
import type { ServiceDeclaration } from './declaration';

export interface ServiceConfig {
  /** Empty when the service has no database. */
  readonly databaseUrl: string;
  readonly poolSize: number;
  readonly kafkaBrokers: readonly string[];
  readonly topicPrefix: string;
  /** The result of the declaration's `config`. */
  readonly own: unknown;
}

/** Reads and checks all configuration of a service; throws one ConfigurationError that names every faulty key. */
export function readServiceConfig(declaration: ServiceDeclaration, env: Environment): ServiceConfig {
  const { name, database, publishes, handlers } = declaration;
  const read = new EnvReader(env);
  if (publishes.length + handlers.length > 0) read.text('KAFKA_BROKERS');
  const config = {
    poolSize: read.integer(`${envPrefix(name)}_POOL_SIZE`, declaration.poolSize, { min: 1, max: 200 }),
    kafkaBrokers: read.list('KAFKA_BROKERS'),
    topicPrefix: read.text('KAFKA_TOPIC_PREFIX', ''),
    own: declaration.config?.(read, env),
  };
  read.done();
  return { ...config, databaseUrl: database ? serviceDatabaseUrl(env, name) : '' };
}

/** `PAYMENTS_SANDBOX` for `payments-sandbox`. */
export function envPrefix(service: string): string {
  return service.replaceAll('-', '_').toUpperCase();
}
