// What the catalogue reads from the environment.
import { type Environment, EnvReader } from '@gravity/kernel';
import { serviceDatabaseUrl } from '@gravity/persistence';

export const SERVICE = 'catalog';

export interface CatalogConfig {
  readonly databaseUrl: string;
  readonly poolSize: number;
  readonly kafkaBrokers: readonly string[];
  readonly topicPrefix: string;
}

/** Reads and checks the configuration; throws ConfigurationError. */
export function readCatalogConfig(env: Environment): CatalogConfig {
  const read = new EnvReader(env);
  read.text('KAFKA_BROKERS');
  const config = {
    poolSize: read.integer('CATALOG_POOL_SIZE', 10, { min: 1, max: 200 }),
    kafkaBrokers: read.list('KAFKA_BROKERS'),
    topicPrefix: read.text('KAFKA_TOPIC_PREFIX', ''),
  };
  read.done();
  return { ...config, databaseUrl: serviceDatabaseUrl(env, SERVICE) };
}
