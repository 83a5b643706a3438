export { createLogger, JsonLogger } from './logger';
export type { AppLogger } from './logger';
export { gaugeReadAtScrape, LATENCY_BUCKETS_SECONDS, renderMetrics, startProcessMetrics } from './metrics';
export { redact, redactText } from './redact';
export { Secret } from './secret';
export { currentTraceparent, runInSpan, SpanKind, startSpan, startTracing, tracingEnabled, withSpan } from './tracing';
export type { Span, Tracing } from './tracing';
