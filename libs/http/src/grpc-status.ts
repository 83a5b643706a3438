// A problem as a gRPC status. `grpc-status-details-bin` has a google.rpc.Status (ErrorInfo with the code as reason,
// RetryInfo, BadRequest). The code is also plain text in the metadata, for clients that do not read protobuf details.
import { Metadata } from '@grpc/grpc-js';
import { parse } from 'protobufjs';
import { ERRORS, type Problem } from '@gravity/contracts';

const DETAIL_LENGTH_MAX = 1_024;
const VIOLATIONS_MAX = 50;

/** The messages of googleapis/google/rpc/{status,error_details}.proto that services of ours exchange. */
export const { root: googleRpc } = parse(`
  syntax = "proto3";
  package google.rpc;
  message Any { string typeUrl = 1; bytes value = 2; }
  message Duration { int64 seconds = 1; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
  message RetryInfo { Duration retryDelay = 1; }
  message FieldViolation { string field = 1; string description = 2; }
  message BadRequest { repeated FieldViolation fieldViolations = 1; }
`);

/** A failed call, as grpc-js takes it. */
export interface GrpcFailure {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/** The status, its details and its trailing metadata for a problem. */
export function grpcFailure(problem: Problem, requestId: string): GrpcFailure {
  const { grpc } = ERRORS[problem.code];
  const message = problem.detail.slice(0, DETAIL_LENGTH_MAX);
  const metadata = new Metadata();
  metadata.set('x-problem-code', problem.code);
  metadata.set('x-request-id', requestId);
  const status = encode('Status', { code: grpc, message, details: detailsOf(problem) });
  metadata.set('grpc-status-details-bin', Buffer.from(status));
  return { code: grpc, details: message, metadata };
}

function detailsOf(problem: Problem): object[] {
  const details = [any('ErrorInfo', { reason: problem.code, domain: 'gravity', metadata: extensionsOf(problem) })];
  if (problem.retryAfterSeconds !== undefined) {
    const seconds = Math.max(0, Math.ceil(problem.retryAfterSeconds));
    details.push(any('RetryInfo', { retryDelay: { seconds } }));
  }
  if (problem.errors !== undefined && problem.errors.length > 0) {
    const violations = problem.errors.slice(0, VIOLATIONS_MAX);
    const fieldViolations = violations.map(({ pointer, message }) => ({ field: pointer, description: message }));
    details.push(any('BadRequest', { fieldViolations }));
  }
  return details;
}

/** Further members of the problem, as metadata of ErrorInfo. */
function extensionsOf({ extensions = {} }: Problem): Record<string, string> {
  const texts = Object.entries(extensions).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return Object.fromEntries(texts) as Record<string, string>;
}

function any(type: string, message: object): object {
  return { typeUrl: `type.googleapis.com/google.rpc.${type}`, value: encode(type, message) };
}

function encode(type: string, message: object): Uint8Array {
  return googleRpc.lookupType(`google.rpc.${type}`).encode(message).finish();
}
