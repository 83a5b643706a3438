// The decorator of a handler: its name, its callers, its refusals. The guard, the metrics and the API document read the
// same declaration, before the first request.
import { applyDecorators, HttpCode, type Type } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiExtension, ApiHeader, ApiOperation, ApiResponse } from '@nestjs/swagger';
import { ERRORS, type ErrorCode } from '@gravity/contracts';
import type { JsonSchema } from './compiled-body';
import { Callers, OperationName, PublicRoute, RateLimit, type RateLimitRule } from './route-policy';
import type { Role } from './caller';

export type OperationAccess =
  | { readonly callers: readonly [Role, ...Role[]]; readonly publicBecause?: never }
  | { readonly publicBecause: string; readonly callers?: never };

export type OperationOptions = OperationAccess & {
  /** operationId, camelCase: the name in metrics, traces and generated clients. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags?: string[];
  /** The operation's own refusals. The common ones are added. */
  readonly problems?: readonly ErrorCode[];
  /** The operation needs an Idempotency-Key. For POST alone: PUT and DELETE are repeatable without one. */
  readonly idempotent?: boolean;
  /** The operation needs an If-Match header. */
  readonly ifMatch?: boolean;
  /** Status of success; default 200, and 201 for POST. */
  readonly status?: number;
  /** Body of success: a DTO class or a JSON Schema. */
  readonly response?: Type | JsonSchema;
  readonly responseDescription?: string;
  /** Body of the request, where it is not a DTO class in the handler's parameters. */
  readonly body?: Type | JsonSchema;
  readonly rateLimit?: RateLimitRule;
  readonly deprecated?: boolean;
};

const KEY_SCHEMA = { type: 'string', pattern: '^[!#-\\[\\]-~]([ !#-\\[\\]-~]{0,126}[!#-\\[\\]-~])?$' };
const TAGS_SCHEMA = { type: 'string', pattern: '^(\\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$' };
const SHARED: readonly ErrorCode[] = ['invalid-request', 'internal', 'unavailable', 'overloaded'];

/** Declares an operation. Every handler of every controller has it. */
export function Operation(options: OperationOptions): MethodDecorator {
  const decorators: MethodDecorator[] = [
    OperationName(options.id),
    ApiOperation({
      operationId: options.id,
      summary: options.summary,
      ...(options.description === undefined ? {} : { description: options.description }),
      ...(options.tags === undefined ? {} : { tags: options.tags }),
      ...(options.deprecated === undefined ? {} : { deprecated: options.deprecated }),
    }),
    ...accessDecorators(options),
    ...successDecorators(options),
    ...problemDecorators(options),
    ...headerDecorators(options),
  ];
  if (options.rateLimit) decorators.push(RateLimit(options.rateLimit));
  if (options.body)
    decorators.push(ApiBody(typeof options.body === 'function' ? { type: options.body } : { schema: options.body }));
  return applyDecorators(...decorators);
}

function accessDecorators(options: OperationOptions): MethodDecorator[] {
  if (options.callers === undefined) {
    return [PublicRoute(options.publicBecause), ApiExtension('x-callers', ['anybody'])];
  }
  return [Callers(...options.callers), ApiBearerAuth(), ApiExtension('x-callers', [...options.callers])];
}

function successDecorators(options: OperationOptions): MethodDecorator[] {
  const shared = { description: options.responseDescription ?? 'Done.' };
  const body =
    options.response === undefined
      ? {}
      : typeof options.response === 'function'
        ? { type: options.response }
        : { schema: options.response };
  if (options.status !== undefined)
    return [HttpCode(options.status), ApiResponse({ status: options.status, ...shared, ...body })];
  return options.response === undefined ? [] : [ApiResponse({ status: '2XX', ...shared, ...body })];
}

/** @internal Further refusals of a change: those of its body, and the unknown outcome after a lost connection. */
export const PROBLEMS_OF_CHANGES: readonly ErrorCode[] = [
  'payload-too-large',
  'unsupported-media-type',
  'outcome-unknown',
];

/** @internal Responses that name their codes, one per status. */
export function problemResponses(
  codes: Iterable<ErrorCode>,
): { status: number; description: string; content: object }[] {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return [...byStatus].map(([status, group]) => ({
    status,
    description: group.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('\n\n'),
    content: {
      'application/problem+json': {
        schema: { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: group } } }] },
      },
    },
  }));
}

/** One response per status, naming its codes. */
function problemDecorators(options: OperationOptions): MethodDecorator[] {
  const codes = new Set<ErrorCode>([...SHARED, ...(options.problems ?? [])]);
  if (options.callers !== undefined) codes.add('unauthenticated').add('forbidden').add('rate-limited');
  if (options.idempotent === true)
    codes.add('idempotency-key-missing').add('idempotency-key-reused').add('idempotency-key-in-progress');
  if (options.ifMatch === true) codes.add('precondition-required').add('stale-version');
  if (options.rateLimit !== undefined) codes.add('rate-limited');
  return problemResponses(codes).map((answer) => ApiResponse(answer as never));
}

function headerDecorators(options: OperationOptions): MethodDecorator[] {
  const decorators: MethodDecorator[] = [];
  if (options.idempotent === true) {
    const description =
      'New for each thing you want, the same for each retry of it. 1 to 128 printable ASCII characters.';
    decorators.push(ApiHeader({ name: 'Idempotency-Key', required: true, description, schema: KEY_SCHEMA }));
  }
  if (options.ifMatch === true) {
    const description = 'The ETag of the object as it was read, a list of such tags, or `*`. Tags are compared weakly.';
    decorators.push(ApiHeader({ name: 'If-Match', required: true, description, schema: TAGS_SCHEMA }));
  }
  return decorators;
}
