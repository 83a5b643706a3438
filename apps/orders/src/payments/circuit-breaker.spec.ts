import { BrokenCircuitError, CircuitState, handleAll } from 'cockatiel';
import { breakerFor } from './circuit-breaker';

const HOUR_MS = 3_600_000;

describe('circuit breaker', () => {
  const build = () => {
    let now = 0;
    const { breaker, pauses } = breakerFor(handleAll, { failures: 3, openMs: 100, openMsMax: 300 }, () => now);
    return { breaker, pauses, pass: (ms: number) => void (now += ms) };
  };
  type Breaker = ReturnType<typeof build>['breaker'];
  const succeed = (breaker: Breaker): Promise<string> => breaker.execute(() => Promise.resolve('answer'));
  const fail = async (breaker: Breaker, times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) {
      await expect(breaker.execute(() => Promise.reject(new Error('down')))).rejects.toThrow('down');
    }
  };

  it('opens after failures in a row, not after failures in all', async () => {
    const { breaker, pauses } = build();
    await fail(breaker, 2);
    await succeed(breaker);
    await fail(breaker, 2);
    expect(breaker.state).toBe(CircuitState.Closed);
    await fail(breaker, 1);
    await expect(succeed(breaker)).rejects.toBeInstanceOf(BrokenCircuitError);
    expect(pauses.leftMs()).toBe(100);
  });

  it('lets one trial pass after the pause, and closes when it succeeds', async () => {
    const { breaker, pass } = build();
    await fail(breaker, 3);
    pass(100);
    let end: (value: string) => void = () => undefined;
    const trial = breaker.execute(() => new Promise<string>((resolve) => (end = resolve)));
    let others = 0;
    const other = breaker.execute(() => Promise.resolve((others += 1)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(others).toBe(0);
    end('answer');
    expect(await trial).toBe('answer');
    await other;
    expect(others).toBe(1);
    expect(breaker.state).toBe(CircuitState.Closed);
  });

  it('waits longer after each failed trial, up to its limit, and as at first after a success', async () => {
    const { breaker, pauses, pass } = build();
    await fail(breaker, 3);
    const lengths: number[] = [];
    for (let trial = 0; trial < 3; trial += 1) {
      pass(1_000);
      await fail(breaker, 1);
      lengths.push(pauses.leftMs());
    }
    expect(lengths).toEqual([200, 300, 300]);
    pass(1_000);
    await succeed(breaker);
    await fail(breaker, 3);
    expect(pauses.leftMs()).toBe(100);
  });

  it.each([
    ['back', -HOUR_MS],
    ['forward', HOUR_MS],
  ])('keeps its pause when the wall clock jumps %s by an hour', async (_direction, jumpMs) => {
    const { breaker, pass } = build();
    await fail(breaker, 3);
    const real = Date.now;
    const wallClock = jest.spyOn(Date, 'now').mockImplementation(() => real() + jumpMs);
    try {
      pass(99);
      await expect(succeed(breaker)).rejects.toBeInstanceOf(BrokenCircuitError);
      pass(1);
      expect(await succeed(breaker)).toBe('answer');
    } finally {
      wallClock.mockRestore();
    }
  });
});
