// Metrics of the outbox relay, one series per service.
import { LATENCY_BUCKETS_SECONDS } from '@gravity/observability';
import { Counter, Gauge, Histogram } from 'prom-client';

const labelNames = ['service'];
const published = new Counter({ name: 'outbox_published_total', help: 'Events published to Kafka', labelNames });
const failures = new Counter({
  name: 'outbox_publish_failures_total',
  help: 'Batches that Kafka did not acknowledge',
  labelNames,
});
const seconds = new Histogram({
  name: 'outbox_publish_seconds',
  help: 'Time from reading a batch to its acknowledgement',
  labelNames,
  buckets: LATENCY_BUCKETS_SECONDS,
});
const depth = new Gauge({ name: 'outbox_depth', help: 'Events that are not confirmed as published', labelNames });
const age = new Gauge({
  name: 'outbox_oldest_age_seconds',
  help: 'Age of the oldest event not yet published',
  labelNames,
});
const active = new Gauge({
  name: 'outbox_relay_active',
  help: 'Whether this process publishes the outbox',
  labelNames,
});

/** The series of one service. They exist from the start, so that the first scrape shows zeros. */
export function relayMetrics(service: string) {
  for (const counter of [published, failures]) counter.inc({ service }, 0);
  for (const gauge of [depth, age, active]) gauge.inc({ service }, 0);
  return {
    published: published.labels({ service }),
    failures: failures.labels({ service }),
    seconds: seconds.labels({ service }),
    depth: depth.labels({ service }),
    age: age.labels({ service }),
    active: active.labels({ service }),
  };
}
