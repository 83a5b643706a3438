import { median, medianRow } from './median';
import type { BenchRow } from './report';

const row = (ratio: number, p99Ms: number, orders: number): BenchRow => ({
  name: 'claim-256',
  clients: 256,
  perSecond: 1_000 * ratio,
  ratio,
  p99Ms,
  cpuUs: { orders },
  facts: { 'late, ms': p99Ms * 2 },
  plots: [`plot of ${ratio}`],
});

it('is the middle value, or the mean of the two middle values', () => {
  expect(median([9, 1, 4])).toBe(4);
  expect(median([9, 1, 4, 6])).toBe(5);
});

it('merges readings into the median of each number and the span of the ratios', () => {
  expect(medianRow([row(0.6, 30, 100), row(0.4, 10, 300), row(0.5, 20, 100)])).toEqual({
    ...row(0.5, 20, 100),
    plots: ['plot of 0.6'],
    ratioSpan: [0.4, 0.6],
  });
  expect(medianRow([row(0.6, 30, 100)])).toEqual(row(0.6, 30, 100));
});
