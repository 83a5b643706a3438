import { verdictOf } from './run';

const late = { promise: 'liveness', what: 'not at rest', late: true } as const;
const gone = { promise: 'P2', what: 'an order is gone' } as const;

describe('the verdict of a run', () => {
  it.each([
    ['held', [], 9],
    ['inconclusive', [late], 9],
    ['broken', [late], 0.5],
    ['broken', [late, gone], 9],
    ['broken', [gone], 0.5],
  ] as const)('is %s for %j at a load of %d', (verdict, violations, load) => {
    expect(verdictOf(violations, load)).toBe(verdict);
  });
});
