import { coreOf } from '@gravity/service';
import { Module } from '@nestjs/common';
import { MerchantsModule } from '../merchants/merchants.module';
import { ShopsController } from './shops.controller';
import { ShopsRepository } from './shops.repository';
import { ShopsService } from './shops.service';

@Module({
  imports: [coreOf('catalog'), MerchantsModule],
  controllers: [ShopsController],
  providers: [ShopsService, ShopsRepository],
  exports: [ShopsRepository],
})
export class ShopsModule {}
