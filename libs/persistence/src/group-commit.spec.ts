import { GroupCommit, QueueFullError } from './group-commit';
import { classifyDatabaseError, note } from './database-error';

/** An error as the server sends it. */
function serverError(code: string): Error {
  return Object.assign(new Error(`server says ${code}`), { severity: 'ERROR', code });
}

/** An execute function that waits for the test. */
function gate(): { batches: number[][]; execute: (batch: readonly number[]) => Promise<number[]>; open: () => void } {
  const batches: number[][] = [];
  let waiting: (() => void)[] = [];
  return {
    batches,
    execute: async (batch) => {
      batches.push([...batch]);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return batch.map((n) => n * 10);
    },
    open: () => {
      const all = waiting;
      waiting = [];
      for (const resolve of all) resolve();
    },
  };
}

afterEach(() => jest.useRealTimers());

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('GroupCommit', () => {
  it('sends commands of one turn together, and gathers the next batch meanwhile', async () => {
    const { batches, execute, open } = gate();
    const commits = new GroupCommit<number, number>({ name: 'test', batchMax: 3, queueMax: 100, execute });
    const first = [commits.submit(1), commits.submit(2)];
    await turn();
    expect(batches).toEqual([[1, 2]]);
    const later = [3, 4, 5, 6].map((n) => commits.submit(n));
    await turn();
    expect(batches).toHaveLength(1);
    expect(commits.depth).toBe(4);
    open();
    expect(await Promise.all(first)).toEqual([10, 20]);
    await turn();
    expect(batches).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    open();
    await turn();
    open();
    expect(await Promise.all(later)).toEqual([30, 40, 50, 60]);
    await commits.drain();
    expect(commits.depth + commits.busy).toBe(0);
  });

  it('refuses at once when the queue is full, and only then', async () => {
    const { execute, open } = gate();
    const commits = new GroupCommit<number, number>({ name: 'claims', batchMax: 1, queueMax: 2, execute });
    const accepted = [commits.submit(1), commits.submit(2)];
    await expect(commits.submit(3)).rejects.toThrow(QueueFullError);
    await turn();
    accepted.push(commits.submit(4));
    await expect(commits.submit(5)).rejects.toThrow('claims: 2 commands are already waiting');
    for (let round = 0; round < 3; round += 1) {
      open();
      await turn();
    }
    expect(await Promise.all(accepted)).toEqual([10, 20, 40]);
  });

  it('runs as many batches at once as configured', async () => {
    const { batches, execute, open } = gate();
    const commits = new GroupCommit<number, number>({
      name: 'test',
      batchMax: 1,
      queueMax: 9,
      inFlightMax: 2,
      execute,
    });
    const all = [1, 2, 3].map((n) => commits.submit(n));
    await turn();
    expect(batches).toEqual([[1], [2]]);
    open();
    await turn();
    open();
    expect(await Promise.all(all)).toEqual([10, 20, 30]);
  });

  it('lets a further batch gather behind a young one, and not behind a stuck one', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    const { batches, execute, open } = gate();
    const commits = new GroupCommit<number, number>({
      name: 'test',
      batchMax: 9,
      queueMax: 9,
      inFlightMax: 2,
      overlapAfterMs: 50,
      execute,
    });
    const all = [1, 2].map((n) => commits.submit(n));
    await turn();
    all.push(commits.submit(3));
    await turn();
    all.push(commits.submit(4));
    await turn();
    expect(batches).toEqual([[1, 2]]);
    open();
    await turn();
    expect(batches).toEqual([
      [1, 2],
      [3, 4],
    ]);
    // Nothing comes back from the batch under way.
    all.push(commits.submit(5));
    await turn();
    jest.advanceTimersByTime(49);
    await turn();
    expect(batches).toHaveLength(2);
    jest.advanceTimersByTime(1);
    await turn();
    expect(batches.slice(2)).toEqual([[5]]);
    open();
    expect(await Promise.all(all)).toEqual([10, 20, 30, 40, 50]);
  });

  it('tries a deadlock again without splitting', async () => {
    const sizes: number[] = [];
    const commits = new GroupCommit<number, number>({
      name: 'test',
      batchMax: 10,
      queueMax: 10,
      execute: async (batch) => {
        sizes.push(batch.length);
        if (sizes.length < 3) throw serverError('40P01');
        return batch;
      },
    });
    expect(await Promise.all([1, 2, 3].map((n) => commits.submit(n)))).toEqual([1, 2, 3]);
    expect(sizes).toEqual([3, 3, 3]);
  });

  it.each([
    [false, 1],
    [true, 4],
  ])('with an unknown outcome and idempotent=%s executes %i time(s)', async (idempotent, times) => {
    let calls = 0;
    const commits = new GroupCommit<number, number>({
      name: 'test',
      batchMax: 10,
      queueMax: 10,
      idempotent,
      execute: async () => {
        calls += 1;
        throw note(new Error('connection lost'), 'unknown-outcome');
      },
    });
    const answers = await Promise.allSettled([commits.submit(1), commits.submit(2)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls).toBe(times);
  });

  it('keeps the unknown outcome when the next try finds no server', async () => {
    const failures = ['unknown-outcome', 'unavailable'] as const;
    let calls = 0;
    const commits = new GroupCommit<number, number>({
      name: 'test',
      batchMax: 10,
      queueMax: 10,
      idempotent: true,
      execute: async () => {
        throw note(new Error('connection lost'), failures[calls++]!);
      },
    });
    await expect(commits.submit(1).catch(classifyDatabaseError)).resolves.toBe('unknown-outcome');
    expect(calls).toBe(2);
  });

  it('never executes again what may have been committed by code that then failed', async () => {
    let calls = 0;
    const failing = { name: 'test', batchMax: 10, queueMax: 10 };
    const thrown = new GroupCommit<number, number>({
      ...failing,
      execute: async () => {
        calls += 1;
        throw new TypeError('after the commit');
      },
    });
    await Promise.allSettled([thrown.submit(1), thrown.submit(2)]);
    const short = new GroupCommit<number, number>({
      ...failing,
      execute: async () => {
        calls += 1;
        return [1];
      },
    });
    const answers = await Promise.allSettled([short.submit(1), short.submit(2)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls).toBe(2);
  });
});
