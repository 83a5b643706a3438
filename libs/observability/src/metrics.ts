// Prometheus metrics. Code declares its metrics with prom-client, once per process: as constants of the module that
// counts, with a `service` label, on prom-client's default registry. Labels take values from closed sets alone
// (services, operations, topics, partitions, outcomes), so no metric grows with its callers.
import { collectDefaultMetrics, Gauge, register } from 'prom-client';

/** Bounds of latency histograms, from half a millisecond to ten seconds. */
export const LATENCY_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/**
 * Declares a gauge that is read at each scrape, once per service. The returned function sets the source of a service,
 * and replaces an earlier one.
 */
export function gaugeReadAtScrape(name: string, help: string): (service: string, read: () => number) => void {
  const sources = new Map<string, () => number>();
  new Gauge({
    name,
    help,
    labelNames: ['service'],
    collect() {
      for (const [service, read] of sources) this.set({ service }, read());
    },
  });
  return (service, read) => void sources.set(service, read);
}

let defaultsStarted = false;

/** Starts the process metrics (CPU, memory, garbage collection, event-loop lag), once per process. */
export function startProcessMetrics(): void {
  if (defaultsStarted) return;
  defaultsStarted = true;
  collectDefaultMetrics();
}

/** The metrics in the text format of Prometheus. */
export async function renderMetrics(): Promise<{ contentType: string; body: string }> {
  return { contentType: register.contentType, body: await register.metrics() };
}
