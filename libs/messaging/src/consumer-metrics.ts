import { metricsFor, type ServiceMetrics } from '@gravity/observability';
import type { Outcome } from './message-processor';

/** Metrics of one consumer: outcomes and time per topic, lag per partition. */
export function consumerMetrics(
  consumer: string,
  metrics: ServiceMetrics = metricsFor(consumer),
): {
  chunk(topic: string, outcome: Outcome, seconds: number): void;
  lag(at: { topic: string; partition: number }, messages: number): void;
} {
  const messages = metrics.counter('consumer_messages_total', 'Messages settled, by what became of them', [
    'topic',
    'outcome',
  ]);
  const seconds = metrics.histogram('consumer_chunk_seconds', 'Time to settle one chunk of messages', ['topic']);
  const lag = metrics.gauge('consumer_lag', 'Messages of the partition not yet settled', ['topic', 'partition']);
  return {
    chunk: (topic, outcome, elapsed) => {
      for (const name of ['applied', 'duplicates', 'parked', 'skipped'] as const) {
        if (outcome[name] > 0) messages.labels({ topic, outcome: name }).inc(outcome[name]);
      }
      seconds.labels({ topic }).observe(elapsed);
    },
    lag: ({ topic, partition }, count) => lag.labels({ topic, partition: String(partition) }).set(count),
  };
}
