// Results vary on a shared machine. A row that is measured several times is reported as the median.
import type { BenchRow } from './report';

/** One row from several readings: each number is the median of its readings, with the span of the ratios. */
export function medianRow(readings: readonly BenchRow[]): BenchRow {
  const [first] = readings;
  if (first === undefined) throw new Error('a row was never measured');
  if (readings.length === 1) return first;
  const ratios = readings.map(({ ratio }) => ratio);
  return { ...(medians(readings) as BenchRow), ratioSpan: [Math.min(...ratios), Math.max(...ratios)] };
}

/** The median of numbers, member by member for objects; any other value is the first one. */
function medians(values: readonly unknown[]): unknown {
  const [first] = values;
  if (typeof first === 'number') return median(values.filter((value) => typeof value === 'number'));
  if (typeof first !== 'object' || first === null || Array.isArray(first)) return first;
  const members = values as readonly Readonly<Record<string, unknown>>[];
  return Object.fromEntries(Object.keys(first).map((name) => [name, medians(members.map((value) => value[name]))]));
}

/** The middle value, or the mean of the two middle values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
