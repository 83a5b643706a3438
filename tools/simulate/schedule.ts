// Runs schedules: one seed, one walk through what can happen, and what was wrong in the end.
import { runOnMachine } from '@gravity/kernel';
import { Logger } from '@nestjs/common';
import type { Plant } from './plants';
import { World } from './world';

export interface Outcome {
  readonly seed: number;
  readonly steps: number;
  /** Empty when every promise was kept. */
  readonly complaints: readonly string[];
  readonly trace: readonly string[];
}

/** Runs the schedule of a seed. The process' clock is made up meanwhile, so only one runs at a time. */
export async function runSchedule(seed: number, plant: Plant = {}): Promise<Outcome> {
  const world = new World(seed, plant);
  const { scheduler } = world;
  const restore = runOnMachine(scheduler);
  // Its outages are made up too: nobody needs to read of them.
  Logger.overrideLogger(false);
  try {
    const actions = 6 + scheduler.pick(24);
    // How much happens before the next thing begins differs from schedule to schedule.
    const eagerness = 0.05 + 0.5 * scheduler.random();
    scheduler.faultRate = scheduler.chance(0.5) ? 0.1 * scheduler.random() : 0;
    scheduler.stallRate = scheduler.chance(0.6) ? 0.15 * scheduler.random() : 0;
    for (let count = 0; count < actions && scheduler.complaints.length === 0;) {
      if (scheduler.chance(eagerness) || !(await scheduler.step())) {
        world.act();
        count += 1;
      }
      world.promises.check();
    }
    if (scheduler.complaints.length === 0) await world.settle();
  } finally {
    restore();
  }
  return { seed, steps: scheduler.steps, complaints: scheduler.complaints, trace: scheduler.trace };
}

export interface Batch {
  readonly schedules: number;
  readonly steps: number;
  readonly failed: Outcome | undefined;
}

/** Runs schedules from `seed` on until one fails. */
export async function runSchedules(
  seed: number,
  schedules: number,
  plant: Plant = {},
  onProgress: (done: number) => void = () => undefined,
): Promise<Batch> {
  let steps = 0;
  for (let done = 0; done < schedules; done += 1) {
    const outcome = await runSchedule(seed + done, plant);
    steps += outcome.steps;
    if (outcome.complaints.length > 0) return { schedules: done + 1, steps, failed: outcome };
    onProgress(done + 1);
  }
  return { schedules, steps, failed: undefined };
}
