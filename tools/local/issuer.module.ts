// Serves the key set of the local issuer at the path that a real issuer uses.
import { Controller, type DynamicModule, Get, Inject, Module, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { type HttpReply, OperationName, PublicRoute } from '@gravity/http';
import type { LocalIssuer } from '@gravity/testing';

const KEY_SET = Symbol('KeySet');

/** Path of the key set below the base URL. */
export const JWKS_PATH = '/issuer/.well-known/jwks.json';

@ApiExcludeController()
@Controller('issuer/.well-known')
@PublicRoute('public keys are public')
class IssuerHttp {
  constructor(@Inject(KEY_SET) private readonly keySet: LocalIssuer['jwks']) {}

  @Get('jwks.json')
  @OperationName('localKeySet')
  async keys(@Res() reply: HttpReply): Promise<void> {
    await reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(this.keySet));
  }
}

@Module({})
export class IssuerModule {
  /** Serves this issuer's public keys. */
  static serving(issuer: LocalIssuer): DynamicModule {
    return {
      module: IssuerModule,
      controllers: [IssuerHttp],
      providers: [{ provide: KEY_SET, useValue: issuer.jwks }],
    };
  }
}
