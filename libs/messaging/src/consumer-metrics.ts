// Metrics of consumers. Topics are those of the subscription and partitions those of the broker, so the series are few.
import { LATENCY_BUCKETS_SECONDS } from '@gravity/observability';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Outcome } from './message-processor';

const messages = new Counter({
  name: 'consumer_messages_total',
  help: 'Messages settled, by what became of them',
  labelNames: ['service', 'topic', 'outcome'],
});
const chunkSeconds = new Histogram({
  name: 'consumer_chunk_seconds',
  help: 'Time to settle one chunk of messages',
  labelNames: ['service', 'topic'],
  buckets: LATENCY_BUCKETS_SECONDS,
});
const lag = new Gauge({
  name: 'consumer_lag',
  help: 'Messages of the partition not yet settled',
  labelNames: ['service', 'topic', 'partition'],
});

/** Counts what became of one chunk of messages, and the time it took, under the consumer's name. */
export function countChunk(service: string, topic: string, outcome: Outcome, seconds: number): void {
  for (const name of ['applied', 'duplicates', 'parked', 'skipped'] as const) {
    if (outcome[name] > 0) messages.inc({ service, topic, outcome: name }, outcome[name]);
  }
  chunkSeconds.observe({ service, topic }, seconds);
}

/** Sets how many messages of a partition are not yet settled. */
export function setLag(service: string, topic: string, partition: number, count: number): void {
  lag.set({ service, topic, partition }, count);
}
