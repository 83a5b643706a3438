// Metrics of consumers. Topics are those of the subscription and partitions those of the broker, so the series are few.
import { LATENCY_BUCKETS_SECONDS } from '@gravity/observability';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Outcome } from './message-processor';

const messages = new Counter({
  name: 'consumer_messages_total',
  help: 'Messages settled, by outcome',
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

const OUTCOME_LABELS = {
  applied: 'applied',
  duplicates: 'duplicates',
  deadLetters: 'dead_letters',
  skipped: 'skipped',
} as const satisfies Record<keyof Outcome, string>;

/** Counts the outcomes of one chunk of messages, and the seconds it took, under the consumer's name. */
export function countChunk(service: string, topic: string, outcome: Outcome, seconds: number): void {
  for (const [name, label] of Object.entries(OUTCOME_LABELS)) {
    const count = outcome[name as keyof Outcome];
    if (count > 0) messages.inc({ service, topic, outcome: label }, count);
  }
  chunkSeconds.observe({ service, topic }, seconds);
}

/** Sets the number of messages of a partition that are not yet settled. */
export function setLag(service: string, topic: string, partition: number, count: number): void {
  lag.set({ service, topic, partition }, count);
}
