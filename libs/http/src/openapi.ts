// The API document (OpenAPI 3.1) made from the decorators, and the inventory of routes that tests walk.
import type { INestApplication, Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/internal';
import { RequestMethod } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { ErrorCode } from '@gravity/contracts';
import { PROBLEMS_OF_CHANGES, problemResponses } from './operation';
import { FAULTS_MAX } from './request-validation.pipe';
import { readPolicy, type RoutePolicy } from './route-policy';

const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'Why a request was refused (RFC 9457). `code` is stable; further members depend on it.',
  required: ['type', 'title', 'status', 'code', 'detail', 'retryable', 'requestId'],
  properties: {
    type: { type: 'string', maxLength: 200, description: 'Where the code is explained, relative to this server.' },
    title: { type: 'string', maxLength: 200 },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    code: { type: 'string', pattern: '^[a-z][a-z-]{0,63}$' },
    detail: { type: 'string', maxLength: 2_000, description: 'What happened and what to do.' },
    retryable: { type: 'boolean', description: 'The same request may succeed later without being changed.' },
    requestId: { type: 'string', maxLength: 200 },
    errors: {
      type: 'array',
      maxItems: FAULTS_MAX,
      items: {
        type: 'object',
        required: ['pointer', 'message'],
        properties: {
          pointer: {
            type: 'string',
            maxLength: 1_000,
            description: 'JSON pointer into the body, or `query/…`, `path/…`, `header/…`.',
          },
          message: { type: 'string', maxLength: 1_000 },
        },
      },
    },
  },
} as const;

/** One HTTP route of the process and what it declares. */
export interface RouteEntry {
  readonly method: string;
  /** With `:name` parameters. */
  readonly path: string;
  readonly controller: string;
  readonly policy: RoutePolicy;
}

/** Builds the document of all routes of this application. */
export function openApiDocument(app: INestApplication, title = 'Gravity', version = '1.0.0'): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle(title)
    .setDescription(
      'Live-commerce transactions: who gets the unit, who pays, who is told. Amounts are integer minor units.',
    )
    .setVersion(version)
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth()
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => `${controller}.${method}`,
  });
  for (const methods of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) completeResponses(method, operation as ApiOperation);
  }
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: PROBLEM_SCHEMA as never },
  };
  return document;
}

interface ApiOperation {
  readonly responses: Record<string, object>;
}

/** Adds the status of success and the common refusals of the method. */
function completeResponses(method: string, { responses }: ApiOperation): void {
  const success = responses['2XX'];
  if (success !== undefined) {
    delete responses['2XX'];
    responses[method === 'post' ? '201' : '200'] = success;
  }
  if (method === 'get') return;
  const declared = Object.values(responses).flatMap(codesOf);
  for (const { status, ...response } of problemResponses([...declared, ...PROBLEMS_OF_CHANGES])) {
    responses[String(status)] = response;
  }
}

function codesOf(response: object): ErrorCode[] {
  const { content } = response as { content?: Record<string, { schema?: { allOf?: object[] } }> };
  const parts = content?.['application/problem+json']?.schema?.allOf ?? [];
  return parts.flatMap(
    (part) => (part as { properties?: { code?: { enum?: ErrorCode[] } } }).properties?.code?.enum ?? [],
  );
}

/** Every HTTP route, from the decorators of every controller. */
export function routesOf(app: INestApplication): RouteEntry[] {
  const scanner = new MetadataScanner();
  const routes: RouteEntry[] = [];
  for (const module of app.get(ModulesContainer).values()) {
    for (const wrapper of module.controllers.values()) {
      const controller = wrapper.metatype as Type | null;
      if (!controller || !Reflect.hasMetadata(PATH_METADATA, controller)) continue;
      for (const name of scanner.getAllMethodNames(controller.prototype as object)) {
        const handler = (controller.prototype as Record<string, object>)[name]!;
        const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
        if (method === undefined) continue;
        const path = joinPaths(
          Reflect.getMetadata(PATH_METADATA, controller),
          Reflect.getMetadata(PATH_METADATA, handler),
        );
        routes.push({
          method: RequestMethod[method],
          path,
          controller: controller.name,
          policy: readPolicy(handler, controller),
        });
      }
    }
  }
  return routes;
}

function joinPaths(...parts: unknown[]): string {
  const segments = parts
    .flatMap((part) => String(Array.isArray(part) ? part[0] : part).split('/'))
    .filter((part) => part !== '');
  return `/${segments.join('/')}`;
}
