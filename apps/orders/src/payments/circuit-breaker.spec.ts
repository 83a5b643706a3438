import { CircuitBreaker } from './circuit-breaker';

describe('circuit breaker', () => {
  const build = (): { breaker: CircuitBreaker; pass: (ms: number) => void } => {
    let now = 0;
    const breaker = new CircuitBreaker({ failures: 3, openMs: 100, maxOpenMs: 300 }, () => now);
    return { breaker, pass: (ms) => void (now += ms) };
  };
  const fail = (breaker: CircuitBreaker, times: number): void => {
    for (let i = 0; i < times; i += 1) breaker.failed();
  };

  it('opens after failures in a row, not after failures in all', () => {
    const { breaker } = build();
    fail(breaker, 2);
    breaker.succeeded();
    fail(breaker, 2);
    expect(breaker.refusal()).toBeUndefined();
    fail(breaker, 1);
    expect(breaker.refusal()).toBe(100);
  });

  it('lets one trial pass after the pause, and closes when it succeeds', () => {
    const { breaker, pass } = build();
    fail(breaker, 3);
    pass(100);
    expect(breaker.refusal()).toBeUndefined();
    expect(breaker.refusal()).toBeGreaterThan(0);
    breaker.succeeded();
    expect(breaker.refusal()).toBeUndefined();
    expect(breaker.refusal()).toBeUndefined();
  });

  it('waits longer after each failed trial, up to its limit', () => {
    const { breaker, pass } = build();
    fail(breaker, 3);
    const pauses = [1, 2, 3].map(() => {
      pass(1_000);
      expect(breaker.refusal()).toBeUndefined();
      breaker.failed();
      return breaker.refusal();
    });
    expect(pauses).toEqual([200, 300, 300]);
  });
});
