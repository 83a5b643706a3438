import { coreOf } from '@gravity/service';
import { Module } from '@nestjs/common';
import { MerchantsController } from './merchants.controller';
import { MerchantsRepository } from './merchants.repository';
import { MerchantsService } from './merchants.service';

@Module({
  imports: [coreOf('catalog')],
  controllers: [MerchantsController],
  providers: [MerchantsService, MerchantsRepository],
  exports: [MerchantsRepository],
})
export class MerchantsModule {}
