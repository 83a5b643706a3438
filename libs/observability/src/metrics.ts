// Prometheus metrics: one prom-client registry per process. Counting sits on hot paths, so a labelled child is looked
// up once and then costs an addition; prom-client's own children hash their labels on every call.
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';

type LabelValues = Readonly<Record<string, string>>;
type Kind = 'counter' | 'gauge' | 'histogram';

interface Sample {
  readonly metricName?: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

/** Most series one metric may have; further label values share one series with `overflow` for every label. */
const SERIES_MAX = 2_000;

/** From half a millisecond to ten seconds. */
export const LATENCY_BUCKETS_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
] as const;

abstract class Series<Child> {
  private readonly children = new Map<string, { labels: LabelValues; child: Child }>();
  readonly aggregator = 'sum';

  constructor(
    readonly name: string,
    readonly help: string,
    readonly labelNames: readonly string[],
    readonly type: Kind,
  ) {}

  /** The child for these label values, made on first use. Keep it where it is used often. */
  labels(values: LabelValues): Child {
    const key = this.labelNames.map((name) => values[name] ?? '').join('\u0000');
    const known = this.children.get(key);
    if (known) return known.child;
    const full = this.children.size >= SERIES_MAX;
    if (full) {
      const overflow = Object.fromEntries(this.labelNames.map((name) => [name, 'overflow']));
      const overflowKey = this.labelNames.map(() => 'overflow').join('\u0000');
      const shared = this.children.get(overflowKey)?.child ?? this.create();
      this.children.set(overflowKey, { labels: overflow, child: shared });
      return shared;
    }
    const labels = Object.fromEntries(this.labelNames.map((name) => [name, values[name] ?? '']));
    const child = this.create();
    this.children.set(key, { labels, child });
    return child;
  }

  /** Called by the registry when somebody scrapes. */
  async get(): Promise<{ name: string; help: string; type: Kind; aggregator: string; values: Sample[] }> {
    const values = [...this.children.values()].flatMap(({ labels, child }) => this.samples({ ...labels }, child));
    return { name: this.name, help: this.help, type: this.type, aggregator: this.aggregator, values };
  }

  reset(): void {
    this.children.clear();
  }

  protected abstract create(): Child;
  protected abstract samples(labels: Record<string, string>, child: Child): Sample[];
}

/** A number that only grows. */
export class CounterChild {
  value = 0;

  /** Adds a step, which must not be negative. */
  inc(by = 1): void {
    this.value += by;
  }
}

/** A number that goes up and down, or is asked for when scraped. */
export class GaugeChild {
  private value = 0;
  private source: (() => number) | undefined;

  /** Replaces the value, in the unit that the metric names. */
  set(value: number): void {
    this.value = value;
  }

  /** Adds a step; a negative one subtracts. */
  inc(by = 1): void {
    this.value += by;
  }

  /** Asks this function at every scrape instead of keeping a value. */
  collect(source: () => number): void {
    this.source = source;
  }

  /** The value to print: of the function given to {@link collect}, else the one kept here. */
  read(): number {
    return this.source ? this.source() : this.value;
  }
}

/** A distribution in fixed buckets. */
export class HistogramChild {
  readonly counts: Float64Array;
  sum = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Takes one measurement in the metric's base unit (seconds for latencies). */
  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket += 1;
    this.counts[bucket]! += 1;
    this.sum += value;
  }
}

export class Counter extends Series<CounterChild> {
  protected create(): CounterChild {
    return new CounterChild();
  }

  protected samples(labels: Record<string, string>, child: CounterChild): Sample[] {
    return [{ labels, value: child.value }];
  }
}

export class Gauge extends Series<GaugeChild> {
  protected create(): GaugeChild {
    return new GaugeChild();
  }

  protected samples(labels: Record<string, string>, child: GaugeChild): Sample[] {
    return [{ labels, value: child.read() }];
  }
}

export class Histogram extends Series<HistogramChild> {
  constructor(
    name: string,
    help: string,
    labelNames: readonly string[],
    private readonly bounds: readonly number[],
  ) {
    super(name, help, labelNames, 'histogram');
  }

  protected create(): HistogramChild {
    return new HistogramChild(this.bounds);
  }

  protected samples(labels: Record<string, string>, child: HistogramChild): Sample[] {
    const samples: Sample[] = [];
    let below = 0;
    child.counts.forEach((count, bucket) => {
      below += count;
      const le = bucket < this.bounds.length ? String(this.bounds[bucket]) : '+Inf';
      samples.push({ metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: below });
    });
    samples.push({ metricName: `${this.name}_sum`, labels, value: child.sum });
    samples.push({ metricName: `${this.name}_count`, labels, value: below });
    return samples;
  }
}

/** Metrics of one service: every series carries its `service` label. */
export interface ServiceMetrics {
  /** Gets or creates a counter; name it `…_total`. */
  counter(name: string, help: string, labelNames?: readonly string[]): BoundMetric<CounterChild>;
  /** Gets or creates a metric whose values go up and down. */
  gauge(name: string, help: string, labelNames?: readonly string[]): BoundMetric<GaugeChild>;
  /** Gets or creates a histogram; name the unit (`…_seconds`). Buckets default to {@link LATENCY_BUCKETS_SECONDS}. */
  histogram(
    name: string,
    help: string,
    labelNames?: readonly string[],
    buckets?: readonly number[],
  ): BoundMetric<HistogramChild>;
}

/** A metric of one service: its `service` label is set already. */
export interface BoundMetric<Child> {
  /** The series with these values; keep it on hot paths, where looking it up costs more than counting. */
  labels(values?: LabelValues): Child;
}

/** The registry of this process: what `/metrics` prints. */
export const metricsRegistry = new Registry();

const created = new Map<string, Counter | Gauge | Histogram>();
let defaultsStarted = false;

/** Metrics under the given service's name. The same name gives the same metric, from wherever it is asked for. */
export function metricsFor(service: string): ServiceMetrics {
  return {
    counter: (name, help, labelNames = []) =>
      bind(
        service,
        obtain(name, Counter, () => new Counter(name, help, ['service', ...labelNames], 'counter')),
      ),
    gauge: (name, help, labelNames = []) =>
      bind(
        service,
        obtain(name, Gauge, () => new Gauge(name, help, ['service', ...labelNames], 'gauge')),
      ),
    histogram: (name, help, labelNames = [], buckets = LATENCY_BUCKETS_SECONDS) =>
      bind(
        service,
        obtain(name, Histogram, () => new Histogram(name, help, ['service', ...labelNames], buckets)),
      ),
  };
}

/** Starts the process metrics (CPU, memory, garbage collection, event-loop lag), once per process. */
export function startProcessMetrics(): void {
  if (defaultsStarted) return;
  defaultsStarted = true;
  collectDefaultMetrics({ register: metricsRegistry });
}

/** The text a Prometheus server reads. */
export async function renderMetrics(): Promise<{ contentType: string; body: string }> {
  return { contentType: metricsRegistry.contentType, body: await metricsRegistry.metrics() };
}

function obtain<M extends Counter | Gauge | Histogram>(
  name: string,
  type: abstract new (...args: never[]) => M,
  create: () => M,
): M {
  const known = created.get(name);
  if (known !== undefined) {
    if (!(known instanceof type)) throw new Error(`metric ${name} already exists as a ${known.type}`);
    return known;
  }
  const metric = create();
  created.set(name, metric);
  // The registry only asks a metric for its name and its samples, which ours answer themselves.
  metricsRegistry.registerMetric(metric as unknown as Metric);
  return metric;
}

function bind<Child>(service: string, metric: Series<Child>): BoundMetric<Child> {
  return { labels: (values = {}) => metric.labels({ ...values, service }) };
}
