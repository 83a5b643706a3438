import type { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';

/** Every finished span as text, with all parts that an exporter sends and that may contain text of requests or errors. */
export function exportedSpans(exporter: InMemorySpanExporter): string[] {
  return exporter
    .getFinishedSpans()
    .map(({ name, attributes, events, links, status }) => JSON.stringify({ name, attributes, events, links, status }));
}
