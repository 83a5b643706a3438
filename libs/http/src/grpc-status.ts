// A problem as a gRPC status. The details travel as google.rpc.Status in `grpc-status-details-bin` (ErrorInfo with our
// code as reason, RetryInfo, BadRequest), and the code once more as plain text for clients without protobuf details.
import { Metadata } from '@grpc/grpc-js';
import { ERRORS, type Problem } from '@gravity/contracts';

const TYPE_URL = 'type.googleapis.com/google.rpc.';
const DETAIL_LENGTH_MAX = 1_024;
const VIOLATIONS_MAX = 50;

/** What grpc-js takes for a failed call. */
export interface GrpcFailure {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/** The status, its details and its trailing metadata for a problem. */
export function grpcFailure(problem: Problem, requestId: string): GrpcFailure {
  const { grpc } = ERRORS[problem.code];
  const details = problem.detail.slice(0, DETAIL_LENGTH_MAX);
  const metadata = new Metadata();
  metadata.set('x-problem-code', problem.code);
  metadata.set('x-request-id', requestId);
  metadata.set('grpc-status-details-bin', encodeStatus(grpc, details, problem));
  return { code: grpc, details, metadata };
}

function encodeStatus(code: number, message: string, problem: Problem): Buffer {
  const info = Buffer.concat([text(1, problem.code), text(2, 'gravity'), ...extensions(problem)]);
  const parts = [varintField(1, code), text(2, message), bytes(3, any('ErrorInfo', info))];
  if (problem.retryAfterSeconds !== undefined) {
    const duration = varintField(1, Math.max(0, Math.ceil(problem.retryAfterSeconds)));
    parts.push(bytes(3, any('RetryInfo', bytes(1, duration))));
  }
  if (problem.errors !== undefined && problem.errors.length > 0) {
    const violations = problem.errors
      .slice(0, VIOLATIONS_MAX)
      .map(({ pointer, message: fault }) => bytes(1, Buffer.concat([text(1, pointer), text(2, fault)])));
    parts.push(bytes(3, any('BadRequest', Buffer.concat(violations))));
  }
  return Buffer.concat(parts);
}

/** Further members of the problem, as ErrorInfo's `map<string, string> metadata`. */
function extensions(problem: Problem): Buffer[] {
  return Object.entries(problem.extensions ?? {}).map(([name, value]) =>
    bytes(3, Buffer.concat([text(1, name), text(2, typeof value === 'string' ? value : JSON.stringify(value))])),
  );
}

function any(type: string, message: Buffer): Buffer {
  return Buffer.concat([text(1, TYPE_URL + type), bytes(2, message)]);
}

// The protobuf wire format (https://protobuf.dev/programming-guides/encoding/): tag, then a varint or a length and bytes.
function varint(value: number): Buffer {
  const out: number[] = [];
  let left = value;
  while (left > 127) {
    out.push((left & 0x7f) | 0x80);
    left = Math.floor(left / 128);
  }
  return Buffer.from([...out, left]);
}

function varintField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function bytes(field: number, value: Buffer): Buffer {
  return Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value, 'utf8'));
}
