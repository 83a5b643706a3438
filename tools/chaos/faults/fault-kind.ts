// The interface of a kind of fault, for the plan and for the run.
import type { Fault, PlannedKind } from '../schedule';
import type { World } from '../world';

/** The outcome of a fault that waits for a moment: how often the moment came. */
export interface Fired {
  readonly fired: number;
}

/** Undoes a fault. For a fault that waits for a moment, it also tells how often the moment came. */
export type Heal = () => Promise<void | Fired>;

export interface FaultKind extends PlannedKind {
  /** A short description. */
  readonly title: string;
  /** The reason why this machine cannot inject it; undefined when it can. The kind is then left out and reported. */
  readonly unavailable?: () => string | undefined;
  /** Injects the fault. Resolves with its healing as soon as the fault is in effect. */
  inject(world: World, fault: Fault): Promise<Heal>;
}

/** No healing: the system recovers by itself. */
export const nothing: Heal = async () => undefined;

/** A server or a process. */
interface Target {
  kill(): Promise<unknown>;
  start(): Promise<unknown>;
  pause(): void | Promise<void>;
  resume(): void | Promise<void>;
}
type Which = (world: World, fault: Fault) => Target;
type Described = Pick<FaultKind, 'name' | 'title' | 'lastsMs' | 'parts'>;

/** Kills with SIGKILL; the healing starts it again. */
export function killing(kind: Described, which: Which): FaultKind {
  const inject = async (world: World, fault: Fault): Promise<Heal> => {
    const target = which(world, fault);
    await target.kill();
    return async () => void (await target.start());
  };
  return { ...kind, inject };
}

/** Freezes with SIGSTOP; the healing sends SIGCONT. */
export function freezing(kind: Described, which: Which): FaultKind {
  const inject = async (world: World, fault: Fault): Promise<Heal> => {
    const target = which(world, fault);
    await target.pause();
    return async () => target.resume();
  };
  return { ...kind, inject };
}
