// The parts of a request that the pipeline reads, the same for REST and gRPC.
import { Metadata, type ServerUnaryCall } from '@grpc/grpc-js';
import type { ExecutionContext } from '@nestjs/common';
import {
  type CallerIdentity,
  callerOfGrpc,
  etagOf,
  type HttpReply,
  type HttpRequest,
  parseIdempotencyKey,
  requireIfMatch,
  valueOrThrow,
  VersionMatch,
} from '@gravity/http';
import type { OperationRule } from './operation-rule';
import { type Key, versionedFingerprint } from './stored-keys';
import { External, type Write, type WriteOptions } from './write';

/** A write with what its request says beside the input. */
export interface WriteRequest {
  readonly rule: OperationRule;
  /** Undefined on a public route. */
  readonly caller: CallerIdentity | undefined;
  /** Undefined for operations that need none. */
  readonly key: Key | undefined;
  readonly ifMatch: VersionMatch;
  readonly requestId: string | undefined;
}

/** Reads key and precondition. Throws `idempotency-key-missing`, `precondition-required` or `invalid-request`. */
export function readWriteRequest(context: ExecutionContext, rule: OperationRule, write: Write<object>): WriteRequest {
  const options: WriteOptions<object> = write instanceof External ? write.steps : write.options;
  const input = write instanceof External ? write.steps.input : write.input;
  const edge = context.getType() === 'http' ? httpEdge(context) : grpcEdge(context, rule, options);
  const ifMatch = rule.ifMatch ? edge.ifMatch() : VersionMatch.ANY;
  const { caller, requestId } = edge;
  if (!rule.idempotent) return { rule, caller, key: undefined, ifMatch, requestId };
  const fingerprint = versionedFingerprint(input, rule.ifMatch ? ifMatch.toString() : undefined);
  const key = { caller: caller?.sub ?? '', operation: edge.operation(rule.id), key: edge.key(), fingerprint };
  return { rule, caller, key, ifMatch, requestId };
}

interface Edge {
  readonly caller: CallerIdentity | undefined;
  readonly requestId: string | undefined;
  readonly operation: (id: string) => string;
  readonly key: () => string;
  readonly ifMatch: () => VersionMatch;
}

function httpEdge(context: ExecutionContext): Edge {
  const request = context.getArgByIndex<HttpRequest>(0);
  return {
    caller: request.caller ?? undefined,
    requestId: request.id,
    operation: (id) => id,
    key: () => valueOrThrow(parseIdempotencyKey(request.headers['idempotency-key'])),
    ifMatch: () => valueOrThrow(requireIfMatch(request.headers['if-match'])),
  };
}

function grpcEdge(context: ExecutionContext, rule: OperationRule, options: WriteOptions<object>): Edge {
  const metadata = context.getArgByIndex<Metadata>(1);
  const [requestId] = metadata.get('x-request-id');
  return {
    caller: rule.hasCaller ? callerOfGrpc(metadata) : undefined,
    requestId: typeof requestId === 'string' ? requestId : undefined,
    // Answers are stored as messages, which differ from the views of REST.
    operation: (id) => `${id} (gRPC)`,
    key: () => valueOrThrow(parseIdempotencyKey(options.idempotencyKey)),
    ifMatch: () => options.ifMatch ?? valueOrThrow(requireIfMatch(undefined)),
  };
}

/** Tells the client what stands beside the body: the entity tag, and that the answer is a stored one. */
export function presentAnswer(context: ExecutionContext, answer: unknown, replayed: boolean): void {
  if (context.getType() === 'http') {
    const reply = context.getArgByIndex<HttpReply>(1);
    const version = (answer as { version?: unknown } | null)?.version;
    if (typeof version === 'number') reply.header('etag', etagOf(version));
    if (replayed) reply.header('idempotent-replayed', 'true');
  } else if (replayed) {
    const metadata = new Metadata();
    metadata.set('idempotent-replayed', 'true');
    context.getArgByIndex<ServerUnaryCall<unknown, unknown>>(2).sendMetadata(metadata);
  }
}
