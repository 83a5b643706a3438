// Problem documents (RFC 9457). Most answers of a sale are refusals, so the constant part of each code is made at
// start, and a refusal is a string concatenation.
import { ERRORS, type ErrorCode, type FieldError, type Problem, ProblemError } from '@gravity/contracts';
import type { Result } from '@gravity/kernel';
import type { HttpReply } from './fastify-types';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8';
const RESERVED = new Set(['type', 'title', 'status', 'code', 'retryable', 'detail', 'requestId', 'errors']);
const RETRY_AFTER_DEFAULT_SECONDS = 1;

/** The part of a problem document that does not depend on a request. */
export interface PreparedProblem {
  readonly code: ErrorCode;
  readonly status: number;
  /** The document up to the request id. */
  readonly head: string;
  readonly retryAfter: string | undefined;
}

/** The URL of a code's explanation; relative, so that it resolves on every service. */
export function problemType(code: ErrorCode): string {
  return `/problems/${code}`;
}

const HEADS = new Map<ErrorCode, string>(
  (Object.keys(ERRORS) as ErrorCode[]).map((code) => {
    const { status, title, retryable } = ERRORS[code];
    const constant = JSON.stringify({ type: problemType(code), title, status, code, retryable });
    return [code, `${constant.slice(0, -1)},"detail":`];
  }),
);

/** Makes a problem document in advance. Keep the result where the same refusal is sent often. */
export function prepareProblem(problem: Problem): PreparedProblem {
  let head = HEADS.get(problem.code)! + JSON.stringify(problem.detail);
  if (problem.errors !== undefined) head += `,"errors":${JSON.stringify(problem.errors)}`;
  if (problem.extensions !== undefined) {
    for (const [name, value] of Object.entries(problem.extensions)) {
      if (!RESERVED.has(name) && value !== undefined) head += `,${JSON.stringify(name)}:${JSON.stringify(value)}`;
    }
  }
  const { status } = ERRORS[problem.code];
  const seconds = problem.retryAfterSeconds ?? (status === 503 ? RETRY_AFTER_DEFAULT_SECONDS : undefined);
  const retryAfter = seconds === undefined ? undefined : String(Math.max(0, Math.ceil(seconds)));
  return { code: problem.code, status, head: `${head},"requestId":"`, retryAfter };
}

/** The problem document for one request. The request id was made or checked here, so it needs no escaping. */
export function problemBody(prepared: PreparedProblem, requestId: string): string {
  return `${prepared.head}${requestId}"}`;
}

/**
 * Answers with a problem document, without an exception and a filter: for hot routes, whose handlers take `@Res()`. A
 * {@link PreparedProblem} is cheaper.
 */
export function sendProblem(reply: HttpReply, problem: Problem | PreparedProblem): void {
  const prepared = 'head' in problem ? problem : prepareProblem(problem);
  reply.statusCode = prepared.status;
  reply.header('content-type', PROBLEM_CONTENT_TYPE);
  if (prepared.retryAfter !== undefined) reply.header('retry-after', prepared.retryAfter);
  // The rest of an oversized body is not read.
  if (prepared.code === 'payload-too-large') reply.header('connection', 'close');
  if (prepared.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer error="invalid_token"');
  reply.send(problemBody(prepared, reply.request.id));
}

/** The value of a result. Throws its refusal, which the filter answers; for handlers that return their body. */
export function valueOrThrow<T>(result: Result<T, Problem>): T {
  if (result.ok) return result.value;
  throw new ProblemError(result.error);
}

/** A refusal for input that does not match its schema. */
export function invalidRequest(
  errors: readonly FieldError[],
  detail = 'The request does not match its schema.',
): ProblemError {
  return new ProblemError({ code: 'invalid-request', detail, errors });
}
