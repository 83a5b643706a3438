export { createLogger, JsonLogger, LOG_LEVELS, withLogFields } from './logger';
export type { AppLogger, LogFields, LoggerOptions, LogLevel } from './logger';
export { gaugeReadAtScrape, LATENCY_BUCKETS_SECONDS, renderMetrics, startProcessMetrics } from './metrics';
export { isSecretName, redact, redactText } from './redact';
export { Secret } from './secret';
export {
  contextFromTraceparent,
  currentTraceIds,
  currentTraceparent,
  runInSpan,
  SpanKind,
  startSpan,
  startTracing,
  tracingEnabled,
  withSpan,
} from './tracing';
export type { Span, SpanOptions, Tracing } from './tracing';
