import { percentilesOf } from './percentiles';

it('reports the median and the 99th percentile, in any order of the durations', () => {
  const durations = Array.from({ length: 200 }, (_none, index) => ((index * 37) % 200) + 0.5);
  expect(percentilesOf(durations)).toEqual({ p50Ms: 100.5, p99Ms: 198.5 });
  expect(percentilesOf([7])).toEqual({ p50Ms: 7, p99Ms: 7 });
  expect(percentilesOf([])).toEqual({ p50Ms: 0, p99Ms: 0 });
});
