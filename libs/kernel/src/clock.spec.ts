// Goal: time has one replaceable source; a wait ends at its time and leaves nothing behind.
import { getEventListeners } from 'node:events';
import {
  AnchoredClock,
  type Machine,
  ManualClock,
  monotonicMs,
  runOnMachine,
  sleep,
  soon,
  systemClock,
  toRfc3339,
} from './clock';

describe('clocks', () => {
  it('continues another clock by the monotonic one', () => {
    let monotonic = 1_000;
    const clock = new AnchoredClock(50_000, () => monotonic);
    monotonic += 250.7;
    expect(clock.nowMs()).toBe(50_250);
    clock.anchor(70_000);
    expect(clock.nowMs()).toBe(70_000);
  });

  it('keeps the more exact of two readings until it is old, and follows a clock that was set', () => {
    let monotonic = 0;
    const clock = new AnchoredClock(50_000, () => monotonic, 1);
    clock.anchor(50_030, 40);
    expect(clock.nowMs()).toBe(50_000);
    clock.anchor(50_000.5, 0.5);
    expect(clock.nowMs()).toBe(50_000);
    clock.anchor(50_042, 40);
    expect(clock.nowMs()).toBe(50_042);
    clock.anchor(50_002, 2);
    expect(clock.nowMs()).toBe(50_002);
    // Half a second in a thousand: after 76 s two milliseconds of error have become 40.
    monotonic = 75_000;
    clock.anchor(125_030, 40);
    expect(clock.nowMs()).toBe(125_002);
    monotonic = 77_000;
    clock.anchor(127_030, 40);
    expect(clock.nowMs()).toBe(127_030);
  });

  it('reads the wall clock in milliseconds, and a monotonic time', () => {
    expect(Math.abs(systemClock.nowMs() - Date.now())).toBeLessThan(1_000);
    const first = monotonicMs();
    expect(first).toBeGreaterThan(0);
    expect(monotonicMs()).toBeGreaterThanOrEqual(first);
  });

  it('moves by hand', () => {
    const clock = new ManualClock(0);
    clock.advance(5);
    expect(toRfc3339(clock.nowMs())).toBe('1970-01-01T00:00:00.005Z');
    clock.advance(-6);
    expect(clock.nowMs()).toBe(-1);
  });
});

describe('RFC 3339', () => {
  it('is right for any sequence of instants', () => {
    const moments = [0, 1, 1_000, 86_400_000, 1_767_225_600_123];
    const texts = moments.map((ms) => new Date(ms).toISOString());
    for (let round = 0; round < 3; round += 1) expect(moments.map(toRfc3339)).toEqual(texts);
    expect([toRfc3339(0), toRfc3339(1), toRfc3339(0), toRfc3339(2), toRfc3339(1)]).toEqual(
      [0, 1, 0, 2, 1].map((ms) => new Date(ms).toISOString()),
    );
  });

  it('keeps the texts of the last two instants', () => {
    const write = jest.spyOn(Date.prototype, 'toISOString');
    try {
      for (let row = 0; row < 50; row += 1) [7_001, 7_002].forEach(toRfc3339);
      expect(write).toHaveBeenCalledTimes(2);
      [7_003, 7_004, 7_001, 7_002].forEach(toRfc3339);
      expect(write).toHaveBeenCalledTimes(6);
    } finally {
      write.mockRestore();
    }
  });
});

describe('a pause', () => {
  it('lasts as long as requested', async () => {
    const started = monotonicMs();
    await sleep(30);
    expect(monotonicMs() - started).toBeGreaterThanOrEqual(28);
  });

  it('leaves no listener behind after many sleeps with one signal', async () => {
    const listening = new AbortController();
    await sleep(10, listening.signal);
    expect(getEventListeners(listening.signal, 'abort')).toHaveLength(0);
  });

  it('ends when its signal is aborted, and does not begin under an aborted one', async () => {
    const wake = new AbortController();
    const started = monotonicMs();
    const slept = sleep(60_000, wake.signal);
    wake.abort();
    await slept;
    await sleep(60_000, wake.signal);
    expect(monotonicMs() - started).toBeLessThan(5_000);
  });

  it('leaves no timer and no listener behind that would keep the process alive', async () => {
    jest.useFakeTimers();
    try {
      const wake = new AbortController();
      const slept = sleep(60_000, wake.signal);
      expect(jest.getTimerCount()).toBe(1);
      wake.abort();
      await slept;
      expect(jest.getTimerCount()).toBe(0);
      await sleep(60_000, wake.signal);
      expect(jest.getTimerCount()).toBe(0);
      expect(getEventListeners(wake.signal, 'abort')).toHaveLength(0);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('the end of a turn', () => {
  it('comes after all other work of the turn', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      soon(() => {
        order.push('soon');
        resolve();
      });
      void Promise.resolve().then(() => order.push('promise'));
      process.nextTick(() => order.push('tick'));
      order.push('now');
    });
    expect(order[0]).toBe('now');
    expect(order.at(-1)).toBe('soon');
    expect(order).toHaveLength(4);
  });

  it('runs all work at once, before work that it submits', async () => {
    const order: string[] = [];
    const work = (name: string) => (): void => {
      order.push(name);
      process.nextTick(() => order.push(`after ${name}`));
    };
    await new Promise<void>((resolve) => {
      soon(work('one'));
      soon(() => {
        soon(resolve);
        work('two')();
      });
      soon(work('three'));
    });
    expect(order).toEqual(['one', 'two', 'three', 'after one', 'after two', 'after three']);
  });
});

describe('another machine', () => {
  it('provides time, pauses and turns until it is removed', async () => {
    const asked: unknown[] = [];
    const made: Machine = {
      wallMs: () => 77,
      monotonicMs: () => 5.5,
      soon: (work) => {
        asked.push('soon');
        work();
      },
      sleep: (ms, signal) => {
        asked.push([ms, signal]);
        return Promise.resolve();
      },
    };
    const putBack = runOnMachine(made);
    try {
      const { signal } = new AbortController();
      await sleep(86_400_000, signal);
      soon(() => asked.push('work'));
      expect(asked).toEqual([[86_400_000, signal], 'soon', 'work']);
      expect([systemClock.nowMs(), monotonicMs(), new AnchoredClock(100).nowMs()]).toEqual([77, 5.5, 100]);
    } finally {
      putBack();
    }
    expect(Math.abs(systemClock.nowMs() - Date.now())).toBeLessThan(1_000);
  });
});
