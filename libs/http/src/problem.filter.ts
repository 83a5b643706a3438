// The exception filter: answers every exception as a problem document or a gRPC status. An unknown exception is a bug:
// it is answered as `internal` without its message, and logged with its stack.
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject, Injectable } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { type ErrorCode, type Problem, ProblemError } from '@gravity/contracts';
import type { AppLogger } from '@gravity/observability';
import type { HttpReply } from './fastify-types';
import { grpcFailure } from './grpc-status';
import { sendProblem } from './problem-reply';
import { newRequestId, validRequestId } from './request-id';
import { APP_LOGGER, ERROR_CLASSIFIER, type ErrorClassifier } from './tokens';

const CODE_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'route-not-found',
  405: 'route-not-found',
  413: 'payload-too-large',
  415: 'unsupported-media-type',
  429: 'rate-limited',
  503: 'unavailable',
};

const DETAIL_BY_FASTIFY_CODE: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is larger than this service accepts.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'Send the body as application/json.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The length of the body differs from Content-Length.',
};

/** Answers what was thrown as a problem document, or as a gRPC status. */
@Catch()
@Injectable()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    @Inject(APP_LOGGER) private readonly logger: AppLogger,
    @Inject(ERROR_CLASSIFIER) private readonly classify: ErrorClassifier,
  ) {}

  catch(exception: unknown, host: ArgumentsHost): void | Observable<never> {
    if (host.getType() === 'http') return this.answerHttp(exception, host.switchToHttp().getResponse<HttpReply>());
    const metadata = host.getArgByIndex<{ get?(name: string): unknown[] } | undefined>(1);
    const requestId = validRequestId(metadata?.get?.('x-request-id')[0]) ?? newRequestId();
    const problem = problemOf(exception, this.classify);
    if (isOurs(problem)) this.report(exception, problem, requestId);
    return throwError(() => grpcFailure(problem, requestId));
  }

  private answerHttp(exception: unknown, reply: HttpReply): void {
    const problem = problemOf(exception, this.classify);
    if (isOurs(problem)) this.report(exception, problem, reply.request.id, reply.request.policy?.operation);
    if (reply.raw.headersSent || reply.sent) {
      // The head of the answer was sent. Destroying the connection shows the client that the answer is incomplete.
      reply.raw.destroy();
      return;
    }
    sendProblem(reply, problem);
  }

  private report(exception: unknown, problem: Problem, requestId: string, operation?: string): void {
    const fields = { requestId, code: problem.code, ...(operation === undefined ? {} : { operation }) };
    const error = exception instanceof Error ? exception : new Error(String(exception));
    if (problem.code === 'internal') this.logger.error('request failed', { ...fields, error });
    else
      this.logger.warn('request could not be served', {
        ...fields,
        error: (error.cause as Error | undefined)?.message ?? error.message,
      });
  }
}

function isOurs(problem: Problem): boolean {
  return problem.code === 'internal' || problem.code === 'unavailable' || problem.code === 'outcome-unknown';
}

/** The problem of an exception; `internal` for an unknown one. */
export function problemOf(exception: unknown, classify: ErrorClassifier = () => undefined): Problem {
  if (exception instanceof ProblemError) return exception.problem;
  if (exception instanceof HttpException) return problemOfHttpException(exception);
  return (
    classify(exception) ?? {
      code: 'internal',
      detail: 'An internal error occurred. Quote the requestId in a report.',
    }
  );
}

function problemOfHttpException(exception: HttpException): Problem {
  const status = exception.getStatus();
  const cause = (exception as { cause?: { code?: unknown } }).cause;
  const known = typeof cause?.code === 'string' ? DETAIL_BY_FASTIFY_CODE[cause.code] : undefined;
  const code = CODE_BY_STATUS[status] ?? (status < 500 ? 'invalid-request' : 'internal');
  if (code === 'internal') return { code, detail: 'An internal error occurred. Quote the requestId in a report.' };
  return { code, detail: known ?? exception.message };
}
