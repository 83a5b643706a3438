// Pauses between attempts: growing, bounded, and spread so that many processes do not come back at the same instant.

/**
 * The pause before attempt `failures + 1`, in milliseconds: doubles with every failure from `baseMs` up to `maxMs`, of
 * which a random part between half and all is waited.
 */
export function backoffMs(failures: number, baseMs: number, maxMs: number, random: () => number = Math.random): number {
  const DOUBLINGS_MAX = 30;
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(failures - 1, 0), DOUBLINGS_MAX));
  return Math.ceil(full / 2 + (full / 2) * random());
}

/** The pause made up to a tenth shorter at random. */
export function jitteredMs(ms: number, random: () => number = Math.random): number {
  return Math.ceil(ms * (1 - 0.1 * random()));
}
