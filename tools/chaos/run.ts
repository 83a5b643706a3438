// One run: a world, a crowd, the schedule's blows, the healing of everything, the judgement.
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Crowd } from './crowd';
import { Editor } from './editor';
import { kindOf } from './faults';
import type { Fired, Heal } from './faults/fault-kind';
import { judge, type JudgeOptions, type Violation } from './judge';
import type { Fault, Schedule } from './schedule';
import { World } from './world';

/**
 * `inconclusive`: nothing is known to be broken, but the system did not come to rest in time on a machine that was busy
 * with other things. It counts for nothing.
 */
export type Verdict = 'held' | 'broken' | 'inconclusive';

export interface RunReport {
  readonly verdict: Verdict;
  /** Programs that wanted a processor at once, for each that there is, while the run waited for rest. */
  readonly load: number;
  /** How long the wait for rest took, and how long each kind of thing was still under way; seconds. */
  readonly rest: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly seconds: number;
  /** How often each kind of fault struck. */
  readonly struck: Readonly<Record<string, number>>;
  /** Faults that could not be done or undone: the run proves less than it should. */
  readonly missed: readonly string[];
  /** How often the moment came for which a kind of fault waits, a commit for instance. */
  readonly fired: Readonly<Record<string, number>>;
  /** Faults whose moment never came in their time: they count for nothing. */
  readonly didNotFire: readonly string[];
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
      (error: unknown) => violations.push({ promise: 'liveness', what: String(error), late: true }),
    );
    const load = new LoadMeter();
    await Promise.all([crowd.end(), editor.end()]);
    const last = await crowd.lastBuyer();
    if (last !== 'ok') {
      violations.push({ promise: 'liveness', what: `after all was healed a buyer heard: ${last}`, late: true });
    }
    const judged = await judge(world, crowd, options);
    violations.push(...judged.violations);
    await crowd.close();
    const perProcessor = load.stop();
    if (violations.length > 0) options.log(world.cluster.logs());
    return {
      verdict: verdictOf(violations, perProcessor),
      load: perProcessor,
      rest: judged.rest,
      seed: schedule.seed,
      seconds: Math.round((performance.now() - started) / 1_000),
      struck: blows.struck,
      missed: blows.missed,
      fired: blows.fired,
      didNotFire: blows.didNotFire,
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

/** A processor for which that many wait is busy with more than our run. */
const BUSY_ABOVE = 2;

/** What to make of it. What is merely late is broken too, unless the machine had too much else to do. */
export function verdictOf(violations: readonly Violation[], load: number): Verdict {
  if (violations.length === 0) return 'held';
  return violations.every(({ late }) => late === true) && load > BUSY_ABOVE ? 'inconclusive' : 'broken';
}

const MEASURED_EVERY_MS = 5_000;

/** How much the machine had to do, on average. */
class LoadMeter {
  private readonly seen: number[] = [this.now()];
  private readonly timer = setInterval(() => this.seen.push(this.now()), MEASURED_EVERY_MS).unref();

  stop(): number {
    clearInterval(this.timer);
    return Math.round((this.seen.reduce((sum, load) => sum + load, 0) / this.seen.length) * 10) / 10;
  }

  private now(): number {
    return loadavg()[0]! / availableParallelism();
  }
}

/** Strikes and heals on time. Faults of the same part wait for each other: healing may take longer than was planned. */
class Blows {
  readonly struck: Record<string, number> = {};
  readonly missed: string[] = [];
  readonly fired: Record<string, number> = {};
  readonly didNotFire: string[] = [];
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
      const outcome = await healed(heal);
      if (outcome?.fired === 0) {
        this.didNotFire.push(`#${fault.id} ${fault.kind}`);
        return;
      }
      if (outcome !== undefined) this.fired[fault.kind] = (this.fired[fault.kind] ?? 0) + outcome.fired;
      this.struck[fault.kind] = (this.struck[fault.kind] ?? 0) + 1;
    } catch (error) {
      this.missed.push(
        `#${fault.id} ${fault.kind}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
      );
    }
  }
}

/** A heal that fails is tried once more: another fault may have been in its way. */
async function healed(heal: Heal): Promise<Fired | undefined> {
  try {
    return (await heal()) ?? undefined;
  } catch {
    await sleep(2_000);
    return (await heal()) ?? undefined;
  }
}
