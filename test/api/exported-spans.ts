import type { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';

/** Every finished span as text: all that an exporter would send of it and that requests or failures can put words into. */
export function spanTexts(exporter: InMemorySpanExporter): string[] {
  return exporter
    .getFinishedSpans()
    .map(({ name, attributes, events, links, status }) => JSON.stringify({ name, attributes, events, links, status }));
}
