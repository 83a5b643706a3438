// All rows, by group. The rows of a group run on one system, in this order.
import type { RowKind } from '../row';
import { ARRIVAL } from './arrival';
import { CORE } from './core';
import { EXPIRY } from './expiry';
import { HISTORY } from './history';
import { LEDGER } from './ledger';
import { OVERLOAD } from './overload';
import { MANY, ROUNDS, SHAPES } from './shapes';
import { SOAK } from './soak';

export const GROUPS: Readonly<Record<string, readonly RowKind[]>> = {
  core: [...CORE, ...SHAPES, ...EXPIRY],
  ledger: LEDGER,
  growth: [...ROUNDS, ...HISTORY, ...MANY],
  overload: [...ARRIVAL, ...OVERLOAD],
  soak: SOAK,
};

const ALL = Object.values(GROUPS).flat();

/** The rows named by a comma-separated list of rows and groups, in the order of the groups. Throws for unknown names. */
export function chosenRows(list: string): readonly RowKind[] {
  const names = list.split(',').map((name) => name.trim());
  const known = (name: string): boolean => Object.hasOwn(GROUPS, name) || ALL.some((row) => row.name === name);
  const unknown = names.filter((name) => !known(name));
  if (unknown.length > 0) {
    const rows = ALL.map(({ name }) => name).join(', ');
    throw new Error(
      `--rows: ${unknown.join(', ')} is neither a group (${Object.keys(GROUPS).join(', ')}) nor a row (${rows}).`,
    );
  }
  return ALL.filter((row) => names.some((name) => name === row.name || GROUPS[name]?.includes(row) === true));
}
