// One run: a world, a crowd, the schedule's blows, the healing of everything, the judgement.
import { setTimeout as sleep } from 'node:timers/promises';
import { Crowd } from './crowd';
import { Editor } from './editor';
import { kindOf } from './faults';
import { judge, type JudgeOptions, type Violation } from './judge';
import type { Fault, Schedule } from './schedule';
import { World } from './world';

export interface RunReport {
  readonly ok: boolean;
  readonly seed: number;
  readonly seconds: number;
  /** How often each kind of fault struck. */
  readonly struck: Readonly<Record<string, number>>;
  /** Faults that could not be done or undone: the run proves less than it should. */
  readonly missed: readonly string[];
  /** What buyers heard, by kind of answer. */
  readonly heard: Readonly<Record<string, number>>;
  readonly sales: number;
  /** Prices that were changed in the catalogue meanwhile. */
  readonly prices: number;
  /** How many facts the judge looked at. */
  readonly checked: number;
  readonly violations: readonly Violation[];
}

export interface RunOptions extends JudgeOptions {
  readonly log: (line: string) => void;
  /** Called while the crowd buys; for those who break something that no fault breaks. */
  readonly meanwhile?: (world: World, crowd: Crowd) => Promise<void>;
}

const READY_WITHIN_MS = 90_000;

/** Plays the schedule in a world of its own. Rejects only when that world cannot be started. */
export async function runSchedule(schedule: Schedule, options: RunOptions): Promise<RunReport> {
  const started = performance.now();
  const world = await World.start(schedule.nodes);
  try {
    const crowd = new Crowd(world, schedule.seed);
    const editor = new Editor(world);
    await Promise.all([crowd.start(), editor.start()]);
    const blows = new Blows(world, options.log);
    await Promise.all([blows.play(schedule), options.meanwhile?.(world, crowd)]);
    const violations: Violation[] = [];
    await world.heal();
    options.log('all healed; waiting for rest');
    await Promise.all(world.cluster.nodes.map(({ process }) => process.ready(READY_WITHIN_MS))).catch(
      (error: unknown) => violations.push({ promise: 'liveness', what: String(error) }),
    );
    await Promise.all([crowd.end(), editor.end()]);
    const last = await crowd.lastBuyer();
    if (last !== 'ok') violations.push({ promise: 'liveness', what: `after all was healed a buyer heard: ${last}` });
    const judged = await judge(world, crowd, options);
    violations.push(...judged.violations);
    await crowd.close();
    if (violations.length > 0) options.log(world.cluster.logs());
    return {
      ok: violations.length === 0,
      seed: schedule.seed,
      seconds: Math.round((performance.now() - started) / 1_000),
      struck: blows.struck,
      missed: blows.missed,
      heard: crowd.history.summary(),
      sales: crowd.sales.length,
      prices: editor.changes,
      checked: judged.checked,
      violations,
    };
  } finally {
    await world.stop();
  }
}

/** Strikes and heals on time. Faults of the same part wait for each other: healing may take longer than was planned. */
class Blows {
  readonly struck: Record<string, number> = {};
  readonly missed: string[] = [];
  private readonly busy = new Map<string, Promise<void>>();

  constructor(
    private readonly world: World,
    private readonly log: (line: string) => void,
  ) {}

  /** Resolves when the time is up and every fault is healed. */
  async play(schedule: Schedule): Promise<void> {
    const startedAt = performance.now();
    const ends: Promise<void>[] = [];
    for (const fault of schedule.faults) {
      await sleep(Math.max(0, startedAt + fault.atMs - performance.now()));
      ends.push(this.inTurn(fault));
    }
    await sleep(Math.max(0, startedAt + schedule.durationMs - performance.now()));
    await Promise.all(ends);
  }

  private inTurn(fault: Fault): Promise<void> {
    const parts = kindOf(fault.kind).parts(fault.node);
    const before = Promise.all(parts.map((part) => this.busy.get(part) ?? Promise.resolve()));
    const mine = before.then(() => this.one(fault));
    for (const part of parts) this.busy.set(part, mine);
    return mine;
  }

  private async one(fault: Fault): Promise<void> {
    const kind = kindOf(fault.kind);
    const startedAt = performance.now();
    this.log(`#${fault.id} ${fault.kind} (node ${fault.node + 1}, ${(fault.forMs / 1_000).toFixed(1)} s)`);
    try {
      const heal = await kind.strike(this.world, fault);
      await sleep(Math.max(0, startedAt + fault.forMs - performance.now()));
      await healed(heal);
      this.struck[fault.kind] = (this.struck[fault.kind] ?? 0) + 1;
    } catch (error) {
      this.missed.push(
        `#${fault.id} ${fault.kind}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
      );
    }
  }
}

/** A heal that fails is tried once more: another fault may have been in its way. */
async function healed(heal: () => Promise<void>): Promise<void> {
  try {
    await heal();
  } catch {
    await sleep(2_000);
    await heal();
  }
}
