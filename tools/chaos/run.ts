// One run: starts the system and the buyers, injects the faults of the schedule, heals everything, and checks the promises.
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Buyers } from './buyers';
import { PriceEditor } from './price-editor';
import { kindOf } from './faults';
import type { Fired, Heal } from './faults/fault-kind';
import { judge, type JudgeOptions, type Violation } from './judge';
import type { Fault, Schedule } from './schedule';
import { World } from './world';

/**
 * `inconclusive`: no promise is known to be broken, but the system did not come to rest in time on a busy machine. Such a
 * run is not counted.
 */
export type Verdict = 'held' | 'broken' | 'inconclusive';

export interface RunReport {
  readonly verdict: Verdict;
  /** Average load per processor while the run waited for rest. */
  readonly load: number;
  /** How long the wait for rest took, and how long each kind of work was still under way, in seconds. */
  readonly rest: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly seconds: number;
  /** How often each kind of fault was injected. */
  readonly injected: Readonly<Record<string, number>>;
  /** Faults that could not be injected or healed. The run proves less than planned. */
  readonly missed: readonly string[];
  /** How often the event occurred that a kind of fault waits for, such as a commit. */
  readonly fired: Readonly<Record<string, number>>;
  /** Faults whose event did not occur. They are not counted. */
  readonly didNotFire: readonly string[];
  /** The answers to buyers, by kind. */
  readonly answers: Readonly<Record<string, number>>;
  readonly sales: number;
  /** Prices that were changed in the catalogue during the run. */
  readonly prices: number;
  /** How many facts the judge checked. */
  readonly checked: number;
  readonly violations: readonly Violation[];
}

export interface RunOptions extends JudgeOptions {
  readonly log: (line: string) => void;
  /** Runs while the buyers buy. A spec can break something here that no fault breaks. */
  readonly meanwhile?: (world: World, buyers: Buyers) => Promise<void>;
}

const READY_WITHIN_MS = 90_000;

/** Runs the schedule in its own world. Rejects only when that world cannot be started. */
export async function runSchedule(schedule: Schedule, options: RunOptions): Promise<RunReport> {
  const started = performance.now();
  const world = await World.start(schedule.nodes);
  try {
    const buyers = new Buyers(world, schedule.seed);
    const editor = new PriceEditor(world);
    await Promise.all([buyers.start(), editor.start()]);
    const injector = new Injector(world, options.log);
    await Promise.all([injector.play(schedule), options.meanwhile?.(world, buyers)]);
    const violations: Violation[] = [];
    await world.heal();
    options.log('all faults are healed; waiting for rest');
    await Promise.all(world.cluster.nodes.map(({ process }) => process.ready(READY_WITHIN_MS))).catch(
      (error: unknown) => violations.push({ promise: 'liveness', what: String(error), late: true }),
    );
    const load = new LoadMeter();
    await Promise.all([buyers.end(), editor.end()]);
    const last = await buyers.lastBuyer();
    if (last !== 'ok') {
      violations.push({
        promise: 'liveness',
        what: `after all faults were healed, a buyer was answered: ${last}`,
        late: true,
      });
    }
    const judged = await judge(world, buyers, options);
    violations.push(...judged.violations);
    await buyers.close();
    const perProcessor = load.stop();
    if (violations.length > 0) options.log(world.cluster.logs());
    return {
      verdict: verdictOf(violations, perProcessor),
      load: perProcessor,
      rest: judged.rest,
      seed: schedule.seed,
      seconds: Math.round((performance.now() - started) / 1_000),
      injected: injector.injected,
      missed: injector.missed,
      fired: injector.fired,
      didNotFire: injector.didNotFire,
      answers: buyers.history.summary(),
      sales: buyers.sales.length,
      prices: editor.changes,
      checked: judged.checked,
      violations,
    };
  } finally {
    await world.stop();
  }
}

/** Above this load per processor, the machine is busy with more than the run. */
const BUSY_ABOVE = 2;

/** The verdict. A violation that is only late counts as broken, unless the machine was busy. */
export function verdictOf(violations: readonly Violation[], load: number): Verdict {
  if (violations.length === 0) return 'held';
  return violations.every(({ late }) => late === true) && load > BUSY_ABOVE ? 'inconclusive' : 'broken';
}

const MEASURED_EVERY_MS = 5_000;

/** Measures the average load per processor. */
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

/** Injects and heals faults on time. Faults of the same part wait for each other, because healing may take longer than planned. */
class Injector {
  readonly injected: Record<string, number> = {};
  readonly missed: string[] = [];
  readonly fired: Record<string, number> = {};
  readonly didNotFire: string[] = [];
  private readonly busy = new Map<string, Promise<void>>();

  constructor(
    private readonly world: World,
    private readonly log: (line: string) => void,
  ) {}

  /** Resolves when the duration of the schedule is over and every fault is healed. */
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
      const heal = await kind.inject(this.world, fault);
      await sleep(Math.max(0, startedAt + fault.forMs - performance.now()));
      const outcome = await healed(heal);
      if (outcome?.fired === 0) {
        this.didNotFire.push(`#${fault.id} ${fault.kind}`);
        return;
      }
      if (outcome !== undefined) this.fired[fault.kind] = (this.fired[fault.kind] ?? 0) + outcome.fired;
      this.injected[fault.kind] = (this.injected[fault.kind] ?? 0) + 1;
    } catch (error) {
      this.missed.push(
        `#${fault.id} ${fault.kind}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
      );
    }
  }
}

/** Retries a failed healing once: another fault may have prevented it. */
async function healed(heal: Heal): Promise<Fired | undefined> {
  try {
    return (await heal()) ?? undefined;
  } catch {
    await sleep(2_000);
    return (await heal()) ?? undefined;
  }
}
