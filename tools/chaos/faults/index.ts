// All kinds of faults.
import { consumerFaults } from './consumers';
import type { FaultKind } from './fault-kind';
import { kafkaFaults } from './kafka';
import { linkFaults } from './links';
import { postgresFaults } from './postgres';
import { processFaults } from './processes';
import { redisFaults } from './redis';

export const FAULT_KINDS: readonly FaultKind[] = [
  ...processFaults,
  ...linkFaults,
  ...redisFaults,
  ...postgresFaults,
  ...kafkaFaults,
  ...consumerFaults,
];

/** The kind of this name; throws when there is none. */
export function kindOf(name: string): FaultKind {
  const kind = FAULT_KINDS.find((candidate) => candidate.name === name);
  if (kind === undefined) throw new Error(`No kind of fault is called "${name}".`);
  return kind;
}

/** The kinds that this machine cannot inject, with the reasons. */
export function unavailableKinds(): { readonly name: string; readonly why: string }[] {
  return FAULT_KINDS.flatMap(({ name, unavailable }) => {
    const why = unavailable?.();
    return why === undefined ? [] : [{ name, why }];
  });
}
