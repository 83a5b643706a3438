// The one decorator of a handler. It says everything once: name, callers, idempotency, precondition, status, audit record,
// rate limit, refusals, answer. Guard, metrics, API document and the write pipeline read it from here.
import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { Operation as DeclaredOperation, type OperationOptions as DeclaredOptions } from '@gravity/http';
import { OperationInterceptor } from './operation.interceptor';
import { type OperationRule, RULE } from './operation-rule';

export type OperationOptions = DeclaredOptions & {
  /** What operators do here is on record; see `audit_log`. */
  readonly audit?: boolean;
  /**
   * `fast`: the handler takes care of key, transaction and answer itself. For the claim path, where every request counts,
   * and for streams. Default: the pipeline.
   */
  readonly lane?: 'pipeline' | 'fast';
};

const STATUS_OF_CREATION = 201;

/**
 * Declares an operation; every handler of every controller carries it. The handler of a write returns
 * `transactional(…)` or `external(…)`; the handler of a read returns its answer, or the result with
 * it. An answer with a `version` gets it as its ETag.
 */
export function Operation({ audit = false, lane = 'pipeline', ...declared }: OperationOptions): MethodDecorator {
  const { id, idempotent = false, ifMatch = false, status = STATUS_OF_CREATION } = declared;
  const hasCaller = declared.callers !== undefined;
  const rule: OperationRule = { id, hasCaller, idempotent, ifMatch, status, audit };
  const decorators = [DeclaredOperation(declared)];
  if (lane === 'pipeline') {
    decorators.push(SetMetadata(RULE, rule), UseInterceptors(OperationInterceptor));
  }
  return applyDecorators(...decorators);
}
