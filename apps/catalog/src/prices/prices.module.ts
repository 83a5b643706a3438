import { coreOf } from '@gravity/service';
import { Module } from '@nestjs/common';
import { ProductsModule } from '../products/products.module';
import { PricesController } from './prices.controller';
import { PricesService } from './prices.service';

@Module({
  imports: [coreOf('catalog'), ProductsModule],
  controllers: [PricesController],
  providers: [PricesService],
})
export class PricesModule {}
