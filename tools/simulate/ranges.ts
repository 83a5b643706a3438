// Shares schedules among runners; each takes one range of seeds at a time.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { MutationName } from './mutations';
import type { Batch, Outcome } from './schedule';

/** Schedules from `seed` on. */
export interface Range {
  readonly seed: number;
  readonly schedules: number;
}

/** Runs a range until a schedule fails. */
export type Runner = (range: Range) => Promise<Batch>;

/** Small enough to stop soon after a failure, large enough that handing out ranges costs nothing. */
const SCHEDULES_PER_RANGE = 250;

/** A schedule leaves no live objects behind, so a large young generation saves copying. */
const maxYoungGenerationSizeMb = 64;

/** One runner per core. */
export const runnersMax = (): number => availableParallelism();

/**
 * Runs a range on several runners until a schedule fails. Seeds are given out in order and all ranges that were given out
 * are awaited, so the failure in the answer is the one with the lowest seed.
 */
export async function shareOut(
  { seed, schedules }: Range,
  runners: readonly Runner[],
  onProgress: (done: number) => void = () => undefined,
): Promise<Batch> {
  let [givenOut, done, steps] = [0, 0, 0];
  const failures: Outcome[] = [];
  const work = async (run: Runner): Promise<void> => {
    while (givenOut < schedules && failures.length === 0) {
      const range = { seed: seed + givenOut, schedules: Math.min(SCHEDULES_PER_RANGE, schedules - givenOut) };
      givenOut += range.schedules;
      const batch = await run(range);
      done += batch.schedules;
      steps += batch.steps;
      if (batch.failed !== undefined) failures.push(batch.failed);
      onProgress(done);
    }
  };
  await Promise.all(runners.map(work));
  return { schedules: done, steps, failed: failures.sort((a, b) => a.seed - b.seed)[0] };
}

/** Shares a range among threads, because a schedule replaces the clock of its whole thread. */
export async function runInThreads(
  range: Range,
  threads: number,
  mutation: MutationName | undefined,
  onProgress: (done: number) => void,
): Promise<Batch> {
  const ranges = Math.ceil(range.schedules / SCHEDULES_PER_RANGE);
  const workers = Array.from(
    { length: Math.min(threads, ranges) },
    () =>
      new Worker(join(__dirname, 'range-worker.js'), {
        workerData: mutation,
        resourceLimits: { maxYoungGenerationSizeMb },
      }),
  );
  try {
    return await shareOut(range, workers.map(runnerOf), onProgress);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function runnerOf(worker: Worker): Runner {
  return (range) =>
    new Promise((resolve, reject) => {
      worker.once('message', (batch: Batch) => {
        worker.off('error', reject);
        resolve(batch);
      });
      worker.once('error', reject);
      worker.postMessage(range);
    });
}
