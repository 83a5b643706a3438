// All kinds of faults.
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
];

/** The kind of this name; throws when there is none. */
export function kindOf(name: string): FaultKind {
  const kind = FAULT_KINDS.find((candidate) => candidate.name === name);
  if (kind === undefined) throw new Error(`No kind of fault is called "${name}".`);
  return kind;
}
