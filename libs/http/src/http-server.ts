// The Fastify server under Nest: limits, problem documents for what fails before a handler, request ids, security
// headers, latency histograms, and a span per request while traces are recorded.
import type { Socket } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Histogram } from 'prom-client';
import { LATENCY_BUCKETS_SECONDS, runInSpan, SpanKind, startSpan, tracingEnabled } from '@gravity/observability';
import type { HttpReply, HttpRequest, HttpServer } from './fastify-types';
import { readJsonBodies } from './json-body';
import { OneWriteResponse } from './one-write-response';
import { prepareProblem, problemBody, PROBLEM_CONTENT_TYPE, sendProblem } from './problem-reply';
import { newRequestId, validRequestId } from './request-id';

export const BODY_BYTES_MAX = 65_536;
const HEADER_BYTES_MAX = 16_384;
const PATH_PARAMETER_LENGTH_MAX = 128;

/** Time limits of a client; after them, its connection is cut. */
export interface ConnectionLimits {
  /** For a whole request from its first byte, and for a new connection until its first request. */
  readonly requestMs: number;
  /** Period of the check for late requests. */
  readonly checkEveryMs: number;
  /** Without a byte in either direction during an answer. */
  readonly silenceMs: number;
  /** Between two requests. */
  readonly keepAliveMs: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  requestMs: 30_000,
  checkEveryMs: 5_000,
  silenceMs: 60_000,
  // Longer than the idle time of usual balancers, so that they close an idle connection before this server does.
  keepAliveMs: 75_000,
};

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

export interface ServerOptions {
  readonly bodyLimitBytes: number;
  readonly connectionLimits: ConnectionLimits;
  readonly trustedProxies: number;
  /** Names of the services in this process: the first segment of their paths, and their metrics' label. */
  readonly services: readonly string[];
  /** True when open connections are to be closed after their answer. */
  readonly isLeaving: () => boolean;
}

/** The HTTP adapter of the Nest application. */
export function createHttpAdapter(options: ServerOptions): FastifyAdapter {
  const limits = options.connectionLimits;
  const settings = {
    logger: false,
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: limits.requestMs,
    connectionTimeout: limits.silenceMs,
    keepAliveTimeout: limits.keepAliveMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // A function, because Fastify does not trust a mere number of proxies: a client might connect past them. The
    // network policies exclude that.
    trustProxy: options.trustedProxies === 0 ? false : (_address: string, hop: number) => hop < options.trustedProxies,
    routerOptions: { maxParamLength: PATH_PARAMETER_LENGTH_MAX },
    http: {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkEveryMs,
      ServerResponse: OneWriteResponse,
    },
    requestIdHeader: false,
    genReqId: (raw: IncomingMessage) => validRequestId(raw.headers['x-request-id']) ?? newRequestId(),
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error: Error, request: HttpRequest, reply: HttpReply) => {
      setCommonHeaders(request, reply);
      sendProblem(reply, { code: 'invalid-request', detail: error.message });
    },
    multipart: false,
    // No middleware is used, and its plugin would cost a hook per request.
    skipMiddie: true,
  };
  const adapter: FastifyAdapter = new FastifyAdapter(settings as never);
  const server: HttpServer = adapter.getInstance();
  server.decorateRequest('caller', null);
  server.decorateRequest('policy', null);
  server.decorateRequest('rawBody', null);
  server.decorateRequest('span', null);
  readJsonBodies(server);
  server.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(request, reply);
    if (options.isLeaving()) reply.header('connection', 'close');
    done();
  });
  measureRequests(server, options.services);
  if (tracingEnabled()) traceRequests(server);
  return adapter;
}

function setCommonHeaders(request: HttpRequest, reply: HttpReply): void {
  reply.header('x-request-id', request.id);
  reply.header('x-content-type-options', SECURITY_HEADERS['x-content-type-options']);
  reply.header('cache-control', SECURITY_HEADERS['cache-control']);
  reply.header('content-security-policy', SECURITY_HEADERS['content-security-policy']);
}

const requestSeconds = new Histogram({
  name: 'http_request_duration_seconds',
  help: 'Time from the request line to the last byte of the answer',
  labelNames: ['service', 'operation', 'status'],
  buckets: LATENCY_BUCKETS_SECONDS,
});

/** Measures latency by operation and status class. The series of an operation are cached. */
function measureRequests(server: HttpServer, services: readonly string[]): void {
  const children = new Map<string, Histogram.Internal<string>[]>();
  const childrenOf = (operation: string, request: HttpRequest): Histogram.Internal<string>[] => {
    const prefix = request.url.split('/', 2)[1] ?? '';
    const service = services.find((candidate) => candidate === prefix) ?? 'platform';
    const classes = ['1xx', '2xx', '3xx', '4xx', '5xx'];
    const made = classes.map((status) => requestSeconds.labels({ service, operation, status }));
    children.set(operation, made);
    return made;
  };
  server.addHook('onResponse', (request, reply, done) => {
    const operation = request.policy?.operation ?? 'unmatched';
    const child = (children.get(operation) ?? childrenOf(operation, request))[Math.floor(reply.statusCode / 100) - 1];
    child?.observe(reply.elapsedTime / 1_000);
    done();
  });
}

function traceRequests(server: HttpServer): void {
  server.addHook('onRequest', (request, _reply, done) => {
    const traceparent = request.headers['traceparent'];
    const attributes = { 'http.request.method': request.method, 'http.route': request.routeOptions.url ?? 'unmatched' };
    const parent = typeof traceparent === 'string' ? { parent: traceparent } : {};
    request.span = startSpan(`${request.method} ${attributes['http.route']}`, attributes, {
      kind: SpanKind.SERVER,
      ...parent,
    });
    done();
  });
  // Activated here, because reading the body before would lose the context.
  server.addHook('preHandler', (request, _reply, done) => {
    if (request.span) runInSpan(request.span, done);
    else done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    request.span?.setAttribute('http.response.status_code', reply.statusCode);
    if (request.policy) request.span?.updateName(request.policy.operation);
    request.span?.end();
    done();
  });
}

/** Answers bytes that are not HTTP, or exceed a limit, on the socket. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, detail] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'The headers are too large.']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'The request did not arrive in time.']
        : ['400 Bad Request', 'This is not a valid HTTP request.'];
  const body = problemBody(prepareProblem({ code: 'invalid-request', detail }), newRequestId());
  const head = `HTTP/1.1 ${status}\r\nContent-Type: ${PROBLEM_CONTENT_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  socket.end(head + body);
}
