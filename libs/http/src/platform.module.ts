// What every process has around its services, available to all of their modules.
import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import type { Environment } from '@gravity/kernel';
import type { AppLogger } from '@gravity/observability';
import { AnonymousLimit } from './anonymous-limit';
import { ApiDocument } from './api-document';
import { CallerGuard } from './caller.guard';
import { HealthRegistry } from './health-registry';
import type { HttpConfig } from './http-config';
import { CursorSigner } from './paging';
import { DocumentationHttp, HealthHttp, MetricsHttp } from './platform.http';
import { ProblemFilter } from './problem.filter';
import { RateLimiter } from './rate-limiter';
import { RequestValidation } from './request-validation.pipe';
import { ShutdownHooks } from './shutdown';
import { APP_ENVIRONMENT, APP_LOGGER, ERROR_CLASSIFIER, type ErrorClassifier } from './tokens';
import { TokenVerifier } from './token-verifier';

export interface PlatformOptions {
  readonly config: HttpConfig;
  readonly env: Environment;
  readonly logger: AppLogger;
  readonly classifyError: ErrorClassifier;
}

@Module({})
export class PlatformModule {
  /** The platform around the given modules. */
  static around(modules: readonly (DynamicModule | Type)[], options: PlatformOptions): DynamicModule {
    const { config, env, logger } = options;
    const provided = [
      { provide: APP_LOGGER, useValue: logger },
      { provide: APP_ENVIRONMENT, useValue: env },
      { provide: ERROR_CLASSIFIER, useValue: options.classifyError },
      { provide: TokenVerifier, useFactory: () => new TokenVerifier(config.auth) },
      { provide: RateLimiter, useFactory: () => new RateLimiter({ redisUrl: config.redisUrl, logger }) },
      {
        provide: AnonymousLimit,
        inject: [RateLimiter],
        useFactory: (limiter: RateLimiter) => new AnonymousLimit(limiter, config.badTokensPerSecond),
      },
      { provide: CursorSigner, useFactory: () => new CursorSigner(config.cursorSecret) },
      HealthRegistry,
      ShutdownHooks,
      ApiDocument,
    ];
    return {
      module: PlatformModule,
      global: true,
      imports: [...modules],
      controllers:
        config.adminPort === undefined ? [HealthHttp, DocumentationHttp, MetricsHttp] : [HealthHttp, DocumentationHttp],
      providers: [
        ...provided,
        { provide: APP_GUARD, useClass: CallerGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_PIPE, useClass: RequestValidation },
      ],
      exports: provided.map((provider) => ('provide' in provider ? provider.provide : provider)),
    };
  }
}
