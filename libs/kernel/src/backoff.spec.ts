// Goal: pauses grow, stop growing, and are spread within stated bounds.
import fc from 'fast-check';
import { backoffMs, jitteredMs } from './backoff';

const least = (): number => 0;
const most = (): number => 1;

describe('the pause after failures', () => {
  it('doubles with every failure up to its maximum', () => {
    expect([1, 2, 3, 4, 5].map((failures) => backoffMs(failures, 100, 1_000, most))).toEqual([
      100, 200, 400, 800, 1_000,
    ]);
  });

  it('is at least half of that', () => {
    expect([1, 2, 3, 4, 5].map((failures) => backoffMs(failures, 100, 1_000, least))).toEqual([50, 100, 200, 400, 500]);
    expect(backoffMs(1, 100, 1_000, () => 0.5)).toBe(75);
  });

  it('is the first pause before any failure', () => {
    expect(backoffMs(0, 100, 1_000, most)).toBe(100);
  });

  it('stays finite after any number of failures', () => {
    expect(backoffMs(31, 1, Number.MAX_VALUE, most)).toBe(2 ** 30);
    expect(backoffMs(100_000, 1, Number.MAX_VALUE, most)).toBe(2 ** 30);
  });

  it('is a whole number within its bounds for any random number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 500 }), (failures, base) => {
        const pause = backoffMs(failures, base, 5_000);
        expect(Number.isInteger(pause) && pause >= base / 2 && pause <= 5_000).toBe(true);
      }),
    );
  });
});

it('a spread pause is at most a tenth shorter', () => {
  expect([jitteredMs(1_000, least), jitteredMs(1_000, () => 0.5), jitteredMs(1_000, most)]).toEqual([1_000, 950, 900]);
});
