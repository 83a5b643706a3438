// The parts that all services of a process share.
import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import {
  AnonymousLimit,
  ApiDocument,
  APP_ENVIRONMENT,
  APP_LOGGER,
  CallerGuard,
  CursorSigner,
  DocumentationHttp,
  ERROR_CLASSIFIER,
  type ErrorClassifier,
  HealthHttp,
  HealthRegistry,
  type HttpConfig,
  MetricsHttp,
  ProblemFilter,
  RateLimiter,
  RequestValidation,
  ShutdownHooks,
  TokenVerifier,
} from '@gravity/http';
import type { Environment } from '@gravity/kernel';
import type { AppLogger } from '@gravity/observability';
import type { ServiceDeclaration } from './declaration';
import { DECLARATIONS } from './tokens';

export interface PlatformOptions {
  readonly config: HttpConfig;
  readonly env: Environment;
  readonly logger: AppLogger;
  readonly classifyError: ErrorClassifier;
  readonly extraModules?: readonly (DynamicModule | Type)[];
}

/** The root module of a process: guard, filter, pipe, probes and the services. */
@Module({})
export class PlatformModule {
  /** The platform around the given services. */
  static around(declarations: readonly ServiceDeclaration[], options: PlatformOptions): DynamicModule {
    const { config, env, logger } = options;
    const provided = [
      { provide: APP_LOGGER, useValue: logger },
      { provide: APP_ENVIRONMENT, useValue: env },
      { provide: DECLARATIONS, useValue: new Map(declarations.map((each) => [each.name, each])) },
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
      imports: [...declarations.map((each) => each.module), ...(options.extraModules ?? [])],
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
