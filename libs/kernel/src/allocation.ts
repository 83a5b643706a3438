// Splitting an amount without losing a fen: largest remainder, ties to the earlier part, so the same input always
// gives the same parts.
import { assert } from './assert';
import type { Money } from './money';

/**
 * Splits an amount in proportion to non-negative integer weights. The parts add up to the amount exactly.
 * Each part differs from its exact share by less than one minor unit.
 */
export function allocate(total: Money, weights: readonly bigint[]): Money[] {
  const weightSum = weights.reduce((sum, weight) => sum + weight, 0n);
  assert(weights.every((weight) => weight >= 0n) && weightSum > 0n, 'weights must be non-negative and not all zero');
  const sign = total.minor < 0n ? -1n : 1n;
  const magnitude = total.minor * sign;
  const shares = weights.map((weight) => ({
    floor: (magnitude * weight) / weightSum,
    remainder: (magnitude * weight) % weightSum,
  }));
  let left = magnitude - shares.reduce((sum, share) => sum + share.floor, 0n);
  // Sorting leaves ties in their order.
  const byRemainder = [...shares].sort((a, b) => Number(b.remainder - a.remainder));
  for (const share of byRemainder) {
    if (left === 0n) break;
    share.floor += 1n;
    left -= 1n;
  }
  return shares.map((share) => ({ minor: share.floor * sign, currency: total.currency }));
}
