// Traces. Without a collector, these helpers cost one test of a flag and the SDK is not loaded.
import {
  type Attributes,
  type Context,
  context,
  type Exception,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Environment } from '@gravity/kernel';
import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import { redactText } from './redact';

export { SpanKind } from '@opentelemetry/api';
export type { Span } from '@opentelemetry/api';

const TRACER_NAME = 'gravity';
const LINKS_MAX = 128;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

let enabled = false;

/** Options of a span. */
export interface SpanOptions {
  readonly kind?: SpanKind;
  /** The parent span in another process, as a W3C traceparent. */
  readonly parent?: string | undefined;
  /** Traceparents of other causes, for instance of each message in a batch. At most 128 are kept. */
  readonly links?: readonly string[];
}

/** Tracing of a process. */
export interface Tracing {
  readonly enabled: boolean;
  /** Sends the buffered spans and stops. */
  shutdown(): Promise<void>;
}

/** True when spans are recorded in this process. */
export function tracingEnabled(): boolean {
  return enabled;
}

/** Runs the work inside a span. An exception marks the span as failed and is thrown to the caller. */
export async function withSpan<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span | undefined) => Promise<T> | T,
  options: SpanOptions = {},
): Promise<T> {
  if (!enabled) return work(undefined);
  const span = startSpan(name, attributes, options);
  try {
    return await context.with(trace.setSpan(context.active(), span), () => work(span));
  } catch (error) {
    span.recordException(safeException(error));
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

// Spans leave the process as logs do, and the error of an engine may contain its URL.
function safeException(error: unknown): Exception {
  if (!(error instanceof Error)) return redactText(String(error));
  return { name: error.name, message: redactText(error.message), stack: redactText(error.stack ?? '') };
}

/** Starts a span that the caller ends; prefer {@link withSpan}. */
export function startSpan(name: string, attributes: Attributes, options: SpanOptions = {}): Span {
  const links = (options.links ?? []).slice(0, LINKS_MAX).flatMap((traceparent): Link[] => {
    const spanContext = trace.getSpanContext(contextFromTraceparent(traceparent));
    return spanContext ? [{ context: spanContext }] : [];
  });
  const parent = options.parent === undefined ? context.active() : contextFromTraceparent(options.parent);
  return trace
    .getTracer(TRACER_NAME)
    .startSpan(name, { attributes, links, kind: options.kind ?? SpanKind.INTERNAL }, parent);
}

/** Runs the work with the span as the active one. */
export function runInSpan<T>(span: Span, work: () => T): T {
  return context.with(trace.setSpan(context.active(), span), work);
}

/** The W3C traceparent of the active span, to be stored beside an event or sent to another process. */
export function currentTraceparent(): string | undefined {
  if (!enabled) return undefined;
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier['traceparent'];
}

/** The context of a traceparent; the empty context when it is missing or malformed. */
export function contextFromTraceparent(traceparent: string | undefined): Context {
  if (!enabled || traceparent === undefined || !TRACEPARENT.test(traceparent)) return ROOT_CONTEXT;
  return propagation.extract(ROOT_CONTEXT, { traceparent });
}

/** Ids of the active span for a log line; nothing when there is none. */
export function currentTraceIds(): { traceId?: string; spanId?: string } {
  if (!enabled) return {};
  const spanContext = trace.getActiveSpan()?.spanContext();
  return spanContext ? { traceId: spanContext.traceId, spanId: spanContext.spanId } : {};
}

/**
 * Loads the SDK and exports spans over OTLP when `OTEL_EXPORTER_OTLP_ENDPOINT` is set; otherwise does nothing.
 * `exporter` replaces OTLP.
 */
export async function startTracing(env: Environment, service: string, exporter?: SpanExporter): Promise<Tracing> {
  const endpoint = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (!exporter && (endpoint === undefined || endpoint === ''))
    return { enabled: false, shutdown: async () => undefined };
  const sdk = await import('@opentelemetry/sdk-trace-node');
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const processor = exporter
    ? new sdk.SimpleSpanProcessor(exporter)
    : new sdk.BatchSpanProcessor(new OTLPTraceExporter({ url: `${endpoint!.replace(/\/$/, '')}/v1/traces` }));
  const provider = new sdk.NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    spanProcessors: [processor],
  });
  provider.register();
  enabled = true;
  return {
    enabled: true,
    shutdown: async () => {
      enabled = false;
      await provider.shutdown();
    },
  };
}
