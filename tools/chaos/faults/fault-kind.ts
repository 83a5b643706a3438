// What every kind of fault looks like to the plan and to the run.
import type { Fault, PlannedKind } from '../schedule';
import type { World } from '../world';

/** Puts right what a blow has broken. */
export type Heal = () => Promise<void>;

export interface FaultKind extends PlannedKind {
  /** For people: what happens. */
  readonly title: string;
  /** Breaks something; resolves with the way back as soon as it is broken. */
  strike(world: World, fault: Fault): Promise<Heal>;
}

/** Nothing to put right: the system has to do that itself. */
export const nothing: Heal = async () => undefined;
