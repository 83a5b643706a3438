// A failed gRPC call as a problem: the way back of grpcFailure in libs/http.
import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { ERRORS, type ErrorCode, type Problem } from '@gravity/contracts';
import { googleRpc } from '@gravity/http';

interface Details {
  readonly retryAfterSeconds?: number;
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
}

interface StatusMessage {
  readonly details: readonly { readonly typeUrl: string; readonly value: Buffer }[];
}

/** The service's own refusal; undefined when the call failed before a service answered. */
export function refusalOf(error: Pick<ServiceError, 'details' | 'metadata'>): Problem | undefined {
  const code = error.metadata.get('x-problem-code')[0];
  if (!isErrorCode(code)) return undefined;
  return { code, detail: error.details, ...detailsOf(error.metadata) };
}

/**
 * What a call that no service answered means to the caller. `outcomeUnknown` says that the call may have had an effect.
 */
export function silenceOf(error: Pick<ServiceError, 'code'>, service: string, outcomeUnknown: boolean): Problem {
  switch (error.code) {
    case status.UNAUTHENTICATED:
      return { code: 'unauthenticated', detail: `${service} does not accept the service token.` };
    case status.PERMISSION_DENIED:
      return { code: 'forbidden', detail: `${service} does not admit this service.` };
    default:
      return outcomeUnknown
        ? { code: 'outcome-unknown', detail: `${service} did not answer in time.`, retryAfterSeconds: 1 }
        : { code: 'unavailable', detail: `${service} does not answer.`, retryAfterSeconds: 1 };
  }
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}

function detailsOf(metadata: Metadata): Details {
  const encoded = metadata.get('grpc-status-details-bin')[0];
  if (!Buffer.isBuffer(encoded)) return {};
  try {
    const { details } = decode<StatusMessage>('Status', encoded);
    return Object.assign({}, ...details.map(({ typeUrl, value }) => detailOf(typeUrl, value))) as Details;
  } catch {
    // The code and the text came through; broken details are not worth more.
    return {};
  }
}

function detailOf(typeUrl: string, value: Buffer): Details {
  if (typeUrl.endsWith('/google.rpc.RetryInfo')) {
    const { retryDelay } = decode<{ retryDelay?: { seconds: number } }>('RetryInfo', value);
    return retryDelay === undefined ? {} : { retryAfterSeconds: retryDelay.seconds };
  }
  if (typeUrl.endsWith('/google.rpc.BadRequest')) {
    const { fieldViolations } = decode<{ fieldViolations: { field: string; description: string }[] }>(
      'BadRequest',
      value,
    );
    return { errors: fieldViolations.map(({ field, description }) => ({ pointer: field, message: description })) };
  }
  return {};
}

function decode<T>(name: string, bytes: Buffer): T {
  const type = googleRpc.lookupType(`google.rpc.${name}`);
  return type.toObject(type.decode(bytes), { longs: Number, bytes: Buffer, defaults: true, arrays: true }) as T;
}
