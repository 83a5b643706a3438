// Goal: the statistics of the fairness tests are correct. Method: cases with known probabilities.
import { chanceOfAtLeast } from './exact-test';

it('computes the probability of an outcome under equal chances', () => {
  // Two buyers, one of them heavy, one unit.
  expect(chanceOfAtLeast(1, [{ buyers: 2, heavy: 1, winners: 1 }])).toBeCloseTo(0.5, 12);
  // Three times in a row.
  const coin = { buyers: 2, heavy: 1, winners: 1 };
  expect(chanceOfAtLeast(3, [coin, coin, coin])).toBeCloseTo(1 / 8, 12);
  expect(chanceOfAtLeast(2, [coin, coin, coin])).toBeCloseTo(1 / 2, 12);
  expect(chanceOfAtLeast(0, [coin, coin, coin])).toBeCloseTo(1, 12);
  // Both units to the two heavy ones of four: one of six pairs.
  expect(chanceOfAtLeast(2, [{ buyers: 4, heavy: 2, winners: 2 }])).toBeCloseTo(1 / 6, 12);
});
