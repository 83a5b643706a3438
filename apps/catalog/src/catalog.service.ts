// The declaration of the catalogue service.
import { protoPackage } from '@gravity/contracts';
import { defineService } from '@gravity/service';
import { MerchantsModule } from './merchants/merchants.module';
import { MERCHANT_ENTITY } from './merchants/merchants.repository';
import { CATALOG_MIGRATIONS } from './migrations';
import { PricesModule } from './prices/prices.module';
import { ProductsModule } from './products/products.module';
import { SearchIndexer } from './products/search-indexer.worker';
import { CodeKeys } from './products/code-keys.worker';
import { ShopsModule } from './shops/shops.module';
import { SHOP_ENTITY } from './shops/shops.repository';

export const catalogService = defineService({
  name: 'catalog',
  grpc: protoPackage('catalog'),
  features: [MerchantsModule, ShopsModule, ProductsModule, PricesModule],
  entities: [MERCHANT_ENTITY, SHOP_ENTITY],
  migrations: CATALOG_MIGRATIONS,
  workers: [CodeKeys, SearchIndexer],
});
