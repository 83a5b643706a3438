// The request and reply that handlers see, with what this library adds to them.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Span } from '@gravity/observability';
import type { CallerIdentity } from './caller';
import type { RoutePolicy } from './route-policy';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; null on public routes and before the guard has run. */
    caller: CallerIdentity | null;
    /** What the route declares about itself; null before the guard has run. */
    policy: RoutePolicy | null;
    /** The body as it arrived, for signatures over bytes; null without a JSON body. */
    rawBody: Buffer | null;
    /** The server span, while traces are recorded. */
    span: Span | null;
  }
}

export type HttpRequest = FastifyRequest;
export type HttpReply = FastifyReply;
export type HttpServer = FastifyInstance;
