// Repeatable randomness: a spec draws its numbers from one seed, and a failure shows the command that repeats it.
import { randomInt } from 'node:crypto';
import { relative } from 'node:path';
import { projectRoot } from '../engines/paths';

const SEEDS = 2 ** 31;

/** Random numbers from a seed (mulberry32). */
export class SeededRandom {
  private state: number;

  constructor(readonly seed: number) {
    this.state = seed >>> 0;
  }

  /** At least 0, below 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the values, each with the same probability. Throws when there is none. */
  pick<T>(values: readonly T[]): T {
    const value = values[this.integer(0, values.length - 1)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  }

  /** The values in another order. */
  shuffled<T>(values: readonly T[]): T[] {
    const result = [...values];
    for (let last = result.length - 1; last > 0; last -= 1) {
      const other = this.integer(0, last);
      [result[last], result[other]] = [result[other] as T, result[last] as T];
    }
    return result;
  }
}

/** The seed of this run: GRAVITY_SEED, or a new one. */
export function chosenSeed(): number {
  const given = process.env['GRAVITY_SEED'];
  return given === undefined || given === '' ? randomInt(SEEDS) : Number(given);
}

/** Runs a spec's body with its own random numbers. A failure shows the command that repeats it. */
export async function seeded(
  spec: { readonly file: string; readonly name: string },
  body: (random: SeededRandom) => Promise<void>,
): Promise<void> {
  const seed = chosenSeed();
  try {
    await body(new SeededRandom(seed));
  } catch (error) {
    const file = relative(projectRoot(), spec.file);
    const repeat = `Repeat with: GRAVITY_SEED=${seed} npx jest ${file} -t '${asPattern(spec.name)}'`;
    if (!(error instanceof Error)) throw new Error(`${String(error)}\n${repeat}`, { cause: error });
    error.message = `${error.message}\n\n${repeat}`;
    error.stack = `${error.stack ?? error.message}\n\n${repeat}`;
    throw error;
  }
}

/** Escapes a name for Jest, which reads it as a regular expression, and for the shell. */
function asPattern(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll("'", '.');
}
