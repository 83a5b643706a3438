// The percentiles that the tools report.

export interface Percentiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The median and the 99th percentile of durations in milliseconds; zero without any. */
export function percentilesOf(durationsMs: readonly number[]): Percentiles {
  const sorted = Float64Array.from(durationsMs).sort();
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
