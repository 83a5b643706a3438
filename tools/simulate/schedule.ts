// Runs schedules: one seed, one walk through what can happen, and what was wrong in the end.
import { runOnMachine } from '@gravity/kernel';
import { Logger } from '@nestjs/common';
import { NO_PLANT, type Plant } from './plants';
import { type Walk, walkToEnd } from './turns';
import { World } from './world';

export interface Outcome {
  readonly seed: number;
  readonly steps: number;
  /** Empty when every promise was kept. */
  readonly complaints: readonly string[];
  /** Every step; empty unless the schedule was run to be read. */
  readonly trace: readonly string[];
}

/** Runs the schedule of a seed, to be read. The process' clock is made up meanwhile, so only one runs at a time. */
export function runSchedule(seed: number, plant: Plant = NO_PLANT): Promise<Outcome> {
  return walkToEnd(scheduleOf(seed, plant, true));
}

function* scheduleOf(seed: number, plant: Plant, traced: boolean): Walk<Outcome> {
  const world = new World(seed, plant, traced);
  const { scheduler } = world;
  const restore = runOnMachine(scheduler);
  // Its outages are made up too: nobody needs to read of them.
  Logger.overrideLogger(false);
  // Nor where they were thrown, which takes longer to find out than to throw them.
  const { stackTraceLimit } = Error;
  if (!traced) Error.stackTraceLimit = 0;
  try {
    const [least, more] = world.mood.actions;
    const actions = least + scheduler.pick(more);
    // How much happens before the next thing begins differs from schedule to schedule.
    const eagerness = 0.05 + 0.5 * scheduler.random();
    scheduler.faultRate = scheduler.chance(0.5) ? 0.1 * scheduler.random() : 0;
    scheduler.stallRate = scheduler.chance(0.6) ? 0.15 * scheduler.random() : 0;
    for (let count = 0; count < actions && scheduler.complaints.length === 0;) {
      if (scheduler.chance(eagerness) || !scheduler.step()) {
        yield* world.act();
        count += 1;
      } else {
        yield;
      }
      world.promises.check();
    }
    yield* world.moveMoney();
    if (scheduler.complaints.length === 0) yield* world.settle();
  } catch (error) {
    // A model that cannot go on has met something that it does not know.
    scheduler.complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    restore();
  }
  return { seed, steps: scheduler.steps, complaints: scheduler.complaints, trace: scheduler.trace };
}

export interface Batch {
  readonly schedules: number;
  readonly steps: number;
  /** The first schedule that broke a promise, with its trace. */
  readonly failed: Outcome | undefined;
}

/** Runs schedules from `seed` on until one fails. */
export function runSchedules(seed: number, schedules: number, plant: Plant = NO_PLANT): Promise<Batch> {
  return walkToEnd(batchOf(seed, schedules, plant));
}

function* batchOf(seed: number, schedules: number, plant: Plant): Walk<Batch> {
  let steps = 0;
  for (let done = 0; done < schedules; done += 1) {
    const outcome = yield* scheduleOf(seed + done, plant, false);
    steps += outcome.steps;
    if (outcome.complaints.length === 0) continue;
    // A trace is costly, and a seed repeats exactly: it is walked again to be read.
    return { schedules: done + 1, steps, failed: yield* scheduleOf(seed + done, plant, true) };
  }
  return { schedules, steps, failed: undefined };
}
