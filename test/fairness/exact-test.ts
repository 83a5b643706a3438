// The probability of the number of wins of heavy buyers, under the hypothesis that more requests give no advantage.

/** One round: the number of buyers, of heavy buyers among them, and of winners. */
export interface RoundOfBuyers {
  readonly buyers: number;
  readonly heavy: number;
  readonly winners: number;
}

/**
 * The exact probability of at least `heavyWins` wins of heavy buyers over all rounds, when all sets of winners of a round
 * are equally likely: a sum of independent hypergeometric variables.
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

/** The probabilities of 0, 1, 2, … heavy winners in one round. */
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
