// What the orders service is measured against: the same Nest + Fastify server with the same token check and an empty POST.
import 'reflect-metadata';
import { bootServices, Operation } from '@gravity/http';
import { Controller, Module, Post } from '@nestjs/common';

@Controller('bare')
class BareHttp {
  @Post()
  @Operation({ id: 'bare', summary: 'Does nothing', callers: ['buyer'] })
  bare(): void {
    // Nothing: this is the floor.
  }
}

@Module({ controllers: [BareHttp] })
class BareModule {}

void bootServices([{ name: 'bare', module: BareModule, migrate: async () => undefined }], {
  env: process.env,
  stopOnSignals: true,
});
