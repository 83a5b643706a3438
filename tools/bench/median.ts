// A machine that is shared answers differently each time: of a row that is measured several times, the middle is told.
import type { BenchRow } from './report';

/** The row whose every number is the median of that number in these readings of it, with the span of its ratios. */
export function medianRow(readings: readonly BenchRow[]): BenchRow {
  const [first] = readings;
  if (first === undefined) throw new Error('a row was never measured');
  if (readings.length === 1) return first;
  const ratios = readings.map(({ ratio }) => ratio);
  return { ...(medians(readings) as BenchRow), ratioSpan: [Math.min(...ratios), Math.max(...ratios)] };
}

/** Numbers become their median, objects are entered, of everything else the first stays. */
function medians(values: readonly unknown[]): unknown {
  const [first] = values;
  if (typeof first === 'number') return median(values.filter((value) => typeof value === 'number'));
  if (typeof first !== 'object' || first === null || Array.isArray(first)) return first;
  const members = values as readonly Readonly<Record<string, unknown>>[];
  return Object.fromEntries(Object.keys(first).map((name) => [name, medians(members.map((value) => value[name]))]));
}

/** The middle one; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
