// Pauses between attempts: growing, bounded, and spread, so that processes do not try again at the same instant.

/**
 * The pause before attempt `failures + 1`, in milliseconds: doubles with every failure from `baseMs` up to `maxMs`. A
 * random part between half and all of it is returned.
 */
export function backoffMs(failures: number, baseMs: number, maxMs: number, random: () => number = Math.random): number {
  const DOUBLINGS_MAX = 30;
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(failures - 1, 0), DOUBLINGS_MAX));
  return Math.ceil(full / 2 + (full / 2) * random());
}

/** The pause, in milliseconds, shortened by a random part of at most a tenth. */
export function jitteredMs(ms: number, random: () => number = Math.random): number {
  return Math.ceil(ms * (1 - 0.1 * random()));
}
