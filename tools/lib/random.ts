// Random numbers from a seed, so that a run can be repeated.

const UINT32 = 0x1_0000_0000;

/** A stream of numbers in [0, 1). */
export type Random = () => number;

/** The stream of a seed. The words distinguish several streams of one seed. */
export function randomFrom(seed: number, ...words: readonly (string | number)[]): Random {
  let state = hash(`${seed}`);
  for (const word of words) state = Math.imul(state ^ hash(`${word}`), 0x9e3779b1) >>> 0;
  // Mulberry32: small, fast, and random enough for load tests.
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / UINT32;
  };
}

/** A number from `from` inclusive to `to` exclusive. */
export function between(random: Random, from: number, to: number): number {
  return from + random() * (to - from);
}

/** One of the choices, with probabilities proportional to the weights. */
export function weighted<T>(random: Random, choices: readonly (readonly [weight: number, value: T])[]): T {
  let left = random() * choices.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, value] of choices) {
    left -= weight;
    if (left < 0) return value;
  }
  const last = choices.at(-1);
  if (last === undefined) throw new Error('weighted() needs at least one choice.');
  return last[1];
}

// FNV-1a.
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return value;
}
