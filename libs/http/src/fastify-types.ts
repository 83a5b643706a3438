// The request and reply of handlers, with the fields that this library adds.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Span } from '@gravity/observability';
import type { CallerIdentity } from './caller';
import type { RoutePolicy } from './route-policy';

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller; null on public routes and before the guard. */
    caller: CallerIdentity | null;
    /** The declaration of the route; null before the guard. */
    policy: RoutePolicy | null;
    /** The received bytes of the body, for signatures; null without a JSON body. */
    rawBody: Buffer | null;
    /** The server span, while traces are recorded. */
    span: Span | null;
  }
}

export type HttpRequest = FastifyRequest;
export type HttpReply = FastifyReply;
export type HttpServer = FastifyInstance;
