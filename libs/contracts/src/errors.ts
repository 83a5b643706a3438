// The codes that a caller can receive, declared once for REST and gRPC. A published code keeps its meaning.
import { err } from '@gravity/kernel';

/** gRPC status numbers (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
export const GRPC = {
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

interface ErrorRow {
  readonly status: number;
  readonly grpc: number;
  readonly title: string;
  /** True when the same request, unchanged, may succeed later. */
  readonly retryable: boolean;
}

const row = (status: number, grpc: number, title: string, retryable = false): ErrorRow => ({
  status,
  grpc,
  title,
  retryable,
});

/** Status, title and retryability of every code. */
export const ERRORS = {
  // The request itself.
  'invalid-request': row(400, GRPC.INVALID_ARGUMENT, 'The request does not match its schema'),
  'invalid-cursor': row(400, GRPC.INVALID_ARGUMENT, 'The cursor is not one this list gave out'),
  'idempotency-key-missing': row(400, GRPC.INVALID_ARGUMENT, 'This operation needs an Idempotency-Key'),
  'idempotency-key-reused': row(422, GRPC.INVALID_ARGUMENT, 'The Idempotency-Key was used for another request'),
  'idempotency-key-in-progress': row(409, GRPC.ABORTED, 'A request with this Idempotency-Key is still running', true),
  'payload-too-large': row(413, GRPC.INVALID_ARGUMENT, 'The body is too large'),
  'unsupported-media-type': row(415, GRPC.INVALID_ARGUMENT, 'The body must be application/json'),
  'route-not-found': row(404, GRPC.UNIMPLEMENTED, 'There is no such route'),
  'precondition-required': row(428, GRPC.FAILED_PRECONDITION, 'This update needs an If-Match header'),
  'stale-version': row(412, GRPC.ABORTED, 'The object has changed since it was read'),
  // The caller.
  unauthenticated: row(401, GRPC.UNAUTHENTICATED, 'A valid access token is needed'),
  forbidden: row(403, GRPC.PERMISSION_DENIED, 'The caller may not use this operation'),
  'not-found': row(404, GRPC.NOT_FOUND, 'There is no such object for this caller'),
  'rate-limited': row(429, GRPC.RESOURCE_EXHAUSTED, 'Too many requests', true),
  'signature-invalid': row(401, GRPC.UNAUTHENTICATED, 'The callback signature is not valid'),
  // The system.
  overloaded: row(503, GRPC.UNAVAILABLE, 'The service is at its limit', true),
  unavailable: row(503, GRPC.UNAVAILABLE, 'A part the service needs is unavailable', true),
  'outcome-unknown': row(
    503,
    GRPC.UNAVAILABLE,
    'The outcome is not known yet; repeat with the same Idempotency-Key',
    true,
  ),
  internal: row(500, GRPC.INTERNAL, 'Something broke on our side'),
  // Claims.
  'round-not-open': row(409, GRPC.FAILED_PRECONDITION, 'The round is not open yet', true),
  'round-closed': row(409, GRPC.FAILED_PRECONDITION, 'The round is closed'),
  'sold-out': row(409, GRPC.RESOURCE_EXHAUSTED, 'Sold out', true),
  'limit-reached': row(409, GRPC.FAILED_PRECONDITION, 'The purchase limit is reached'),
  'already-won': row(409, GRPC.ALREADY_EXISTS, 'The buyer has already won in this series'),
  'not-deliverable': row(409, GRPC.FAILED_PRECONDITION, 'The item cannot be delivered there'),
  'sale-stopped': row(409, GRPC.FAILED_PRECONDITION, 'The sale is stopped', true),
  'price-changed': row(409, GRPC.FAILED_PRECONDITION, 'The price is not the one the buyer saw'),
  // Orders and payments.
  'order-not-payable': row(409, GRPC.FAILED_PRECONDITION, 'The order is not awaiting payment'),
  'order-not-cancellable': row(409, GRPC.FAILED_PRECONDITION, 'The order can no longer be cancelled'),
  'payment-provider-unavailable': row(503, GRPC.UNAVAILABLE, 'The payment provider does not answer', true),
  // Operating a sale.
  'invalid-transition': row(409, GRPC.FAILED_PRECONDITION, 'The object cannot move to that state'),
  'sku-unknown': row(422, GRPC.FAILED_PRECONDITION, 'The SKU is not known here or not listed'),
  // Catalogue.
  'duplicate-sku': row(409, GRPC.ALREADY_EXISTS, 'The merchant already has a SKU with this code'),
  'not-sellable': row(409, GRPC.FAILED_PRECONDITION, 'The product cannot be listed yet'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** One fault of a request, located by a JSON pointer into its body, or by `query/name`, `header/name`, `path/name`. */
export interface FieldError {
  readonly pointer: string;
  readonly message: string;
}

/** A refusal to a caller: an RFC 9457 problem document or a gRPC status. */
export interface Problem {
  readonly code: ErrorCode;
  /** Cause and remedy, in a sentence for the developer of the client. It contains no secrets. */
  readonly detail: string;
  readonly retryAfterSeconds?: number;
  readonly errors?: readonly FieldError[];
  /** Further members of the problem document, for instance `opensAt`. */
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** A refused {@link Result}. */
export function refuse(
  code: ErrorCode,
  detail: string,
  more: Omit<Problem, 'code' | 'detail'> = {},
): { ok: false; error: Problem } {
  return err({ code, detail, ...more });
}

/** A problem thrown by code that cannot return a value: guards, pipes, infrastructure. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    readonly problem: Problem,
    options?: ErrorOptions,
  ) {
    super(`${problem.code}: ${problem.detail}`, options);
  }
}
