import { coreOf } from '@gravity/service';
import { Module } from '@nestjs/common';
import { ShopsModule } from '../shops/shops.module';
import { CodeKeys } from './code-keys.worker';
import { ProductsController } from './products.controller';
import { ProductsGrpc } from './products.grpc';
import { ProductsRepository } from './products.repository';
import { ProductsService } from './products.service';
import { SearchIndexer } from './search-indexer.worker';
import { SkusController } from './skus.controller';
import { SkusRepository } from './skus.repository';

@Module({
  imports: [coreOf('catalog'), ShopsModule],
  controllers: [ProductsController, SkusController, ProductsGrpc],
  providers: [ProductsService, ProductsRepository, SkusRepository, CodeKeys, SearchIndexer],
  exports: [SkusRepository],
})
export class ProductsModule {}
