// Goal: whoever sends a hundred requests has no better odds than whoever sends one. Method: many rounds with few units on
// two real processes with the opening's draw; in each some buyers send 100 claims at once under as many keys, the others
// one, in random order, all after the opening. What is tested is that every set of winners of a round is equally likely
// (an exact test on the number of heavy winners, one-sided). Over 30 rounds it raises a false alarm in one run of ten
// thousand, finds fourfold odds for certain, threefold ones with a probability of 0.98 and doubled ones with 0.43; over 20,
// with 0.99, 0.85 and 0.19. The draw is for those who come in the first half of its window: rounds whose crowd took longer
// to arrive, on a busy machine, do not count, and there must be 20 others. The same crowd at a round that opened long ago,
// where first come is first served, shows that the test finds an advantage where there is one.
import { FaultCluster, openSale, seeded, type SeededRandom } from '@gravity/testing';
import { Crowd, tally, type TapAnswer } from './crowd';
import { chanceOfAtLeast, type RoundOfBuyers } from './exact-test';

const FALSE_ALARMS = 1e-4;
const WINDOW_MS = 6_000;
const ROUNDS = 30;
const ROUNDS_MIN = 20;
const CONTROL_ROUNDS = 6;
/** The services know the time of Postgres to some milliseconds: a round that opens this very moment is not open to all. */
const JUST_OPENED_MS = 200;
const UNITS = 5;
const HEAVY = 4;
const SINGLE = 16;
const REQUESTS_OF_HEAVY = 100;
/** Answers that come at once while the draw holds the others: a process lets four claims of a buyer wait. */
const ANSWERED_AT_ONCE = HEAVY * (REQUESTS_OF_HEAVY - 2 * 4);

let cluster: FaultCluster;
let crowd: Crowd;
let buyers = 0;

beforeAll(async () => {
  cluster = await FaultCluster.start({ envOf: () => ({ CLAIM_DRAW_MS: String(WINDOW_MS) }) });
  crowd = new Crowd(cluster);
}, 180_000);
afterAll(async () => {
  await crowd?.close();
  await cluster?.stop();
}, 60_000);

interface Played {
  /** From the opening to the last of the answers that come at once. */
  readonly arrivedMs: number;
  readonly round: RoundOfBuyers;
  readonly heavyWins: number;
  readonly answers: readonly TapAnswer[];
  readonly answersOfSingle: readonly TapAnswer[];
}

it(
  'a buyer with a hundred requests has the odds of a buyer with one',
  () =>
    seeded({ file: __filename, name: 'a buyer with a hundred requests' }, async (random) => {
      const played = (await play(random, ROUNDS, JUST_OPENED_MS)).filter(({ arrivedMs }) => arrivedMs < WINDOW_MS / 2);
      expect(played.length).toBeGreaterThanOrEqual(ROUNDS_MIN);
      const wins = played.reduce((sum, { heavyWins }) => sum + heavyWins, 0);
      const chance = chanceOfAtLeast(
        wins,
        played.map(({ round }) => round),
      );
      const seen = { wins, expected: (played.length * UNITS * HEAVY) / (HEAVY + SINGLE), chance };
      expect({ ...seen, fair: chance > FALSE_ALARMS }).toEqual({ ...seen, fair: true });
      // Nobody who asked once was turned away unheard.
      expect(Object.keys(tally(played.flatMap(({ answersOfSingle }) => answersOfSingle))).sort()).toEqual([
        '201',
        '409 sold-out',
      ]);
    }),
  240_000,
);

it(
  'the test finds the advantage where first come is first served',
  () =>
    seeded({ file: __filename, name: 'the test finds the advantage' }, async (random) => {
      const played = await play(random, CONTROL_ROUNDS, 3_600_000);
      const wins = played.reduce((sum, { heavyWins }) => sum + heavyWins, 0);
      const chance = chanceOfAtLeast(
        wins,
        played.map(({ round }) => round),
      );
      expect({ wins, unfair: chance < FALSE_ALARMS }).toEqual({ wins, unfair: true });
    }),
  120_000,
);

/** Plays rounds that opened so long ago; the next begins when the crowd of the one before has arrived. */
async function play(random: SeededRandom, rounds: number, openSinceMs: number): Promise<Played[]> {
  const results: Promise<Played>[] = [];
  for (let count = 0; count < rounds; count += 1) {
    const { arrived, result } = await playRound(random, openSinceMs);
    results.push(result);
    await arrived;
  }
  const played = await Promise.all(results);
  for (const { round, answers } of played) expect([round.winners, tally(answers)]).toEqual([UNITS, expect.anything()]);
  return played;
}

async function playRound(
  random: SeededRandom,
  openSinceMs: number,
): Promise<{ arrived: Promise<void>; result: Promise<Played> }> {
  const names = Array.from({ length: HEAVY + SINGLE }, () => `b_${(buyers += 1)}`);
  const tokens = await Promise.all(names.map((name) => cluster.tokenOf(name)));
  const requests = names.flatMap((_, buyer) =>
    Array.from({ length: buyer < HEAVY ? REQUESTS_OF_HEAVY : 1 }, (_none, number) => ({ buyer, key: `k-${number}` })),
  );
  const sale = await openSale(cluster.sql, { quotas: [UNITS], openSinceMs, admissionOrder: 'DRAW' });
  const openedAt = performance.now() - openSinceMs;
  let [answered, arrivedMs] = [0, Infinity];
  let reached = (): void => undefined;
  const arrived = new Promise<void>((resolve) => (reached = resolve));
  const taps = random.shuffled(requests).map(async ({ buyer, key }) => {
    const answer = await crowd.tap({ sale, token: tokens[buyer]!, key, target: random.pick(crowd.targets) });
    if ((answered += 1) === ANSWERED_AT_ONCE) {
      arrivedMs = performance.now() - openedAt;
      reached();
    }
    return { buyer, answer };
  });
  return { arrived, result: Promise.all(taps).then((answers) => ({ arrivedMs, ...outcomeOf(answers) })) };
}

function outcomeOf(taps: readonly { buyer: number; answer: TapAnswer }[]): Omit<Played, 'arrivedMs'> {
  const winners = new Set(taps.filter(({ answer }) => answer === '201').map(({ buyer }) => buyer));
  return {
    round: { buyers: HEAVY + SINGLE, heavy: HEAVY, winners: winners.size },
    heavyWins: [...winners].filter((buyer) => buyer < HEAVY).length,
    answers: taps.map(({ answer }) => answer),
    answersOfSingle: taps.filter(({ buyer }) => buyer >= HEAVY).map(({ answer }) => answer),
  };
}
