// How surprising it is that heavy buyers won so often, if the number of their requests gave them nothing.

/** One round: how many buyers there were, how many of them were heavy, and how many of all won. */
export interface RoundOfBuyers {
  readonly buyers: number;
  readonly heavy: number;
  readonly winners: number;
}

/**
 * The exact probability that heavy buyers win at least so often over all the rounds, when every set of winners of a round
 * is as likely as any other: a sum of independent hypergeometric counts.
 */
export function chanceOfAtLeast(heavyWins: number, rounds: readonly RoundOfBuyers[]): number {
  let total = [1];
  for (const round of rounds) {
    const one = hypergeometric(round);
    const next = new Array<number>(total.length + one.length - 1).fill(0);
    for (const [before, p] of total.entries()) {
      for (const [more, q] of one.entries()) next[before + more] = next[before + more]! + p * q;
    }
    total = next;
  }
  return total.slice(heavyWins).reduce((sum, p) => sum + p, 0);
}

/** By the number of heavy winners, its probability in one round. */
function hypergeometric({ buyers, heavy, winners }: RoundOfBuyers): number[] {
  const all = choose(buyers, winners);
  return Array.from(
    { length: Math.min(heavy, winners) + 1 },
    (_, wins) => (choose(heavy, wins) * choose(buyers - heavy, winners - wins)) / all,
  );
}

function choose(n: number, k: number): number {
  if (k < 0 || k > n) return 0;
  let result = 1;
  for (let i = 1; i <= k; i += 1) result = (result * (n - k + i)) / i;
  return result;
}
