// The baseline of the bench: the same Nest and Fastify server with the same token check and an empty POST.
import 'reflect-metadata';
import { Operation } from '@gravity/http';
import { bootServices, defineService } from '@gravity/service';
import { Controller, Module, Post } from '@nestjs/common';

@Controller('bare')
class BareHttp {
  @Post()
  @Operation({ id: 'bare', summary: 'Does nothing', callers: ['buyer'] })
  bare(): void {
    // An empty handler: the bench measures the server alone.
  }
}

@Module({ controllers: [BareHttp] })
class BareModule {}

void bootServices([defineService({ name: 'bare', features: [BareModule], database: false })], {
  env: process.env,
  stopOnSignals: true,
});
