// What every kind of fault looks like to the plan and to the run.
import type { Fault, PlannedKind } from '../schedule';
import type { World } from '../world';

/** What became of a blow that had to wait for its moment: how often the moment came. */
export interface Fired {
  readonly fired: number;
}

/** Puts right what a blow has broken; of one that waits for its moment it also tells whether that came. */
export type Heal = () => Promise<void | Fired>;

export interface FaultKind extends PlannedKind {
  /** For people: what happens. */
  readonly title: string;
  /** Why this machine cannot do it; undefined when it can. Such a kind is left out, and that is said. */
  readonly unavailable?: () => string | undefined;
  /** Breaks something; resolves with the way back as soon as it is broken. */
  strike(world: World, fault: Fault): Promise<Heal>;
}

/** Nothing to put right: the system has to do that itself. */
export const nothing: Heal = async () => undefined;

/** A server or a process of ours. */
interface Victim {
  kill(): Promise<unknown>;
  start(): Promise<unknown>;
  pause(): void | Promise<void>;
  resume(): void | Promise<void>;
}
type Which = (world: World, fault: Fault) => Victim;
type Described = Pick<FaultKind, 'name' | 'title' | 'lastsMs' | 'parts'>;

/** kill -9, and started again afterwards. */
export function killing(kind: Described, which: Which): FaultKind {
  const strike = async (world: World, fault: Fault): Promise<Heal> => {
    const victim = which(world, fault);
    await victim.kill();
    return async () => void (await victim.start());
  };
  return { ...kind, strike };
}

/** SIGSTOP, and SIGCONT afterwards. */
export function freezing(kind: Described, which: Which): FaultKind {
  const strike = async (world: World, fault: Fault): Promise<Heal> => {
    const victim = which(world, fault);
    await victim.pause();
    return async () => victim.resume();
  };
  return { ...kind, strike };
}
