import { protoPackage } from '@gravity/contracts';
import type { ServiceDefinition } from '@gravity/http';
import type { Environment } from '@gravity/kernel';
import { migrate } from '@gravity/persistence';
import { SERVICE, readCatalogConfig } from './catalog-config';
import { CatalogModule } from './catalog.module';
import { CATALOG_MIGRATIONS } from './storage/migrations/catalog-migrations';

/** The catalogue, ready to be booted alone or beside other services. Throws ConfigurationError. */
export function catalogService(env: Environment): ServiceDefinition {
  const { databaseUrl: url } = readCatalogConfig(env);
  return {
    name: SERVICE,
    module: CatalogModule.forRoot(env),
    grpc: protoPackage('catalog'),
    migrate: async () => {
      await migrate({ url, service: SERVICE, migrations: CATALOG_MIGRATIONS });
    },
  };
}
