// Runs schedules. One seed is one walk through the possible events, with the violations that it met.
import { runOnMachine } from '@gravity/kernel';
import { Logger } from '@nestjs/common';
import { NO_MUTATION, type Mutation } from './mutations';
import { type Walk, walkToEnd } from './turns';
import { World } from './world';

export interface Outcome {
  readonly seed: number;
  readonly steps: number;
  /** Violated invariants; empty when the schedule is sound. */
  readonly complaints: readonly string[];
  /** Every step; empty unless the schedule was traced. */
  readonly trace: readonly string[];
}

/** Runs the schedule of a seed with a trace. It replaces the clock of the process, so schedules run one at a time. */
export function runSchedule(seed: number, mutation: Mutation = NO_MUTATION): Promise<Outcome> {
  return walkToEnd(scheduleOf(seed, mutation, true));
}

function* scheduleOf(seed: number, mutation: Mutation, traced: boolean): Walk<Outcome> {
  const world = new World(seed, mutation, traced);
  const { scheduler } = world;
  const restore = runOnMachine(scheduler);
  // Logs of simulated outages are noise.
  Logger.overrideLogger(false);
  // Recording a stack takes longer than throwing the error.
  const { stackTraceLimit } = Error;
  if (!traced) Error.stackTraceLimit = 0;
  try {
    const [least, more] = world.profile.actions;
    const actions = least + scheduler.pick(more);
    // Schedules differ in how many steps run before the next action begins.
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
      world.invariants.check();
    }
    if (scheduler.complaints.length === 0) yield* world.settle();
  } catch (error) {
    // A model throws when it meets a statement or a script that it does not know.
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
  /** The first schedule that violated an invariant, with its trace. */
  readonly failed: Outcome | undefined;
}

/** Runs schedules from `seed` on until one fails. */
export function runSchedules(seed: number, schedules: number, mutation: Mutation = NO_MUTATION): Promise<Batch> {
  return walkToEnd(batchOf(seed, schedules, mutation));
}

function* batchOf(seed: number, schedules: number, mutation: Mutation): Walk<Batch> {
  let steps = 0;
  for (let done = 0; done < schedules; done += 1) {
    const outcome = yield* scheduleOf(seed + done, mutation, false);
    steps += outcome.steps;
    if (outcome.complaints.length === 0) continue;
    // A trace is costly and a seed repeats exactly, so only a failing schedule is traced, in a second walk.
    return { schedules: done + 1, steps, failed: yield* scheduleOf(seed + done, mutation, true) };
  }
  return { schedules, steps, failed: undefined };
}
