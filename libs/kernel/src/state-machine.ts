// A state machine as data. Its table is checked when it is defined, guards writes, and is drawn in the docs.
import { assert } from './assert';

/** A checked transition table. */
export interface StateMachine<S extends string> {
  readonly name: string;
  readonly initial: S;
  readonly states: readonly S[];
  readonly terminal: ReadonlySet<S>;
  /** The states that `state` may move to. */
  next(state: S): readonly S[];
  /** True when `from` → `to` is in the table. */
  allows(from: S, to: S): boolean;
  /** The states from which `to` may be reached in one step: the `WHERE status IN (…)` of a conditional write. */
  sources(to: S): readonly S[];
  /** The table as a Mermaid state diagram. */
  toMermaid(): string;
}

/**
 * Checks a transition table and returns the machine. Throws unless every target is a state of the table and every state
 * can be reached from the initial one.
 */
export function defineStateMachine<S extends string>(
  name: string,
  initial: S,
  transitions: Readonly<Record<S, readonly S[]>>,
): StateMachine<S> {
  const states = Object.keys(transitions) as S[];
  const table = new Map<S, ReadonlySet<S>>(states.map((state) => [state, new Set(transitions[state])]));
  assert(table.has(initial), `${name}: the initial state ${initial} is not in the table`);
  for (const [state, targets] of table) {
    for (const target of targets) assert(table.has(target), `${name}: ${state} leads to ${target}, which has no row`);
  }
  const reached = new Set<S>([initial]);
  for (const state of reached) for (const target of table.get(state)!) reached.add(target);
  for (const state of states) assert(reached.has(state), `${name}: ${state} cannot be reached from ${initial}`);
  return {
    name,
    initial,
    states,
    terminal: new Set(states.filter((state) => table.get(state)!.size === 0)),
    next: (state) => [...table.get(state)!],
    allows: (from, to) => table.get(from)?.has(to) ?? false,
    sources: (to) => states.filter((state) => table.get(state)!.has(to)),
    toMermaid: () => {
      const lines = states.flatMap((state) => [...table.get(state)!].map((target) => `  ${state} --> ${target}`));
      return ['stateDiagram-v2', `  [*] --> ${initial}`, ...lines].join('\n');
    },
  };
}
