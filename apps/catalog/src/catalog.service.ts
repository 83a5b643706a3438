// What the catalogue says about itself.
import { protoPackage } from '@gravity/contracts';
import { defineService } from '@gravity/service';
import { CatalogModule } from './catalog.module';
import { CATALOG_ENTITIES } from './storage/entities';
import { CATALOG_MIGRATIONS } from './storage/migrations/catalog-migrations';

export const catalogService = defineService({
  name: 'catalog',
  grpc: protoPackage('catalog'),
  entities: CATALOG_ENTITIES,
  migrations: CATALOG_MIGRATIONS,
  features: [CatalogModule],
});
