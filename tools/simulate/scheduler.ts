// Picks the next step. Every message, commit, pause and end of a turn is a step. A seed picks one of the possible steps, so
// a schedule is a walk that repeats exactly.
import type { Machine } from '@gravity/kernel';
import { type Random, randomFrom } from '../lib/random';

/** One run of a service process. A crash ends it, and no answer reaches it afterwards. */
export interface Life {
  readonly name: string;
  alive: boolean;
}

interface Step {
  readonly label: string;
  /** The process that takes the step. Steps of Redis and Postgres have none, so they survive a crash. */
  readonly life: Life | undefined;
  readonly ready: () => boolean;
  readonly run: () => void;
}

const START_MS = 1_800_000_000_000;
const STALLS_MS = [5, 100, 1_000, 6_500];

export class Scheduler implements Machine {
  readonly random: Random;
  /** One line for each step; empty unless the schedule is traced. */
  readonly trace: string[] = [];
  steps = 0;
  /** Violated invariants. */
  readonly complaints: string[] = [];
  /** Probability that a message is lost. */
  faultRate = 0;
  /** Probability that a possible step is delayed. */
  stallRate = 0;
  private readonly startMs = START_MS;
  private timeMs = START_MS;
  private waiting: Step[] = [];
  private timers: { readonly dueMs: number; readonly step: Step }[] = [];
  private running: Life | undefined;

  constructor(
    seed: number,
    private readonly traced: boolean,
  ) {
    this.random = randomFrom(seed, 'schedule');
  }

  wallMs(): number {
    return this.timeMs;
  }

  monotonicMs(): number {
    return this.timeMs - this.startMs;
  }

  soon(work: () => void): void {
    const life = this.running;
    this.add({ label: 'gathers', life, ready: always, run: () => this.as(life, work) });
  }

  sleep(ms: number): Promise<void> {
    const life = this.running;
    return new Promise((wake) => {
      const step = { label: 'wakes', life, ready: always, run: () => this.as(life, wake) };
      this.timers.push({ dueMs: this.timeMs + ms, step });
    });
  }

  /** A whole number below `bound`. */
  pick(bound: number): number {
    return Math.floor(this.random() * bound);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** True when the message at hand is lost. */
  fault(): boolean {
    return this.faultRate > 0 && this.chance(this.faultRate);
  }

  add(step: Step): void {
    this.waiting.push(step);
  }

  /** Runs code of a process; steps that it starts belong to that process. Does nothing when the process is dead. */
  as(life: Life | undefined, work: () => void): void {
    if (life !== undefined && !life.alive) return;
    this.running = life;
    work();
  }

  /** Records a violated invariant: the schedule has failed. */
  complain(what: string): void {
    if (this.complaints.length === 0) this.note(`WRONG: ${what}`);
    this.complaints.push(what);
  }

  note(text: string): void {
    if (!this.traced) return;
    this.trace.push(`${String(this.monotonicMs()).padStart(7)} ms  ${text}`);
  }

  /** Ends a process: its steps, its timers and the answers on their way to it are gone. */
  kill(life: Life): void {
    life.alive = false;
    this.waiting = this.waiting.filter((step) => step.life !== life);
    this.timers = this.timers.filter(({ step }) => step.life !== life);
  }

  advance(ms: number): void {
    this.timeMs += ms;
    if (this.timers.length === 0) return;
    const due = this.timers.filter((timer) => timer.dueMs <= this.timeMs);
    this.timers = this.timers.filter((timer) => timer.dueMs > this.timeMs);
    for (const { step } of due) this.add(step);
  }

  /** Moves time on to the next timer. False when there is none. */
  advanceToTimer(): boolean {
    if (this.timers.length === 0) return false;
    this.advance(Math.max(1, Math.min(...this.timers.map((timer) => timer.dueMs)) - this.timeMs));
    return true;
  }

  /** Takes one possible step, chosen by the seed; its promise callbacks run with the next turn. False when there is none. */
  step(): boolean {
    const { length } = this.waiting;
    const start = this.pick(Math.max(1, length));
    for (let offset = 0; offset < length; offset += 1) {
      const index = (start + offset) % length;
      const step = this.waiting[index]!;
      if (!step.ready()) continue;
      this.waiting.splice(index, 1);
      if (this.stallRate > 0 && this.chance(this.stallRate)) {
        const dueMs = this.timeMs + STALLS_MS[this.pick(STALLS_MS.length)]!;
        if (this.traced) this.note(`${step.label} is delayed by ${dueMs - this.timeMs} ms`);
        this.timers.push({ dueMs, step });
        return true;
      }
      this.steps += 1;
      if (this.traced) this.note(`${step.life?.name ?? '-'} ${step.label}`);
      this.running = step.life;
      step.run();
      return true;
    }
    return false;
  }

  /** Labels of the steps that wait. */
  get blocked(): string[] {
    return this.waiting.map((step) => step.label);
  }
}

/** For steps without a condition. */
export const always = (): boolean => true;
