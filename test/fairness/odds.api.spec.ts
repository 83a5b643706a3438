// Goal: a buyer with a hundred requests has the same odds as a buyer with one. Method: many rounds with few units on two real
// processes, with the draw at the opening. In each round some buyers send 100 claims at once with different keys and the
// others send one, in random order, all after the opening. An exact one-sided test on the number of heavy winners checks that
// all sets of winners are equally likely. Over 30 rounds it has a false alarm in one of ten thousand runs, detects fourfold
// odds with certainty, threefold odds with a probability of 0.98 and doubled odds with 0.43; over 20 rounds with 0.99, 0.85
// and 0.19. The draw covers claims in the first half of its window. Rounds whose claims took longer to arrive on a busy
// machine do not count, and at least 20 rounds must remain. The same buyers in a round that opened long ago, which is first
// come, first served, show that the test detects an advantage.
import { FaultCluster, openSale, seeded, type SeededRandom } from '@gravity/testing';
import { ClaimSender, countAnswers, type ClaimAnswer } from './claim-sender';
import { chanceOfAtLeast, type RoundOfBuyers } from './exact-test';

const FALSE_ALARMS = 1e-4;
const WINDOW_MS = 6_000;
const ROUNDS = 30;
const ROUNDS_MIN = 20;
const CONTROL_ROUNDS = 6;
/** The clocks of the services and of Postgres differ by some milliseconds, so the round opens a little earlier. */
const JUST_OPENED_MS = 200;
const UNITS = 5;
const HEAVY = 4;
const SINGLE = 16;
const REQUESTS_OF_HEAVY = 100;
/** Answers during the draw: a process lets four claims of a buyer wait and refuses the others at once. */
const ANSWERED_AT_ONCE = HEAVY * (REQUESTS_OF_HEAVY - 2 * 4);

let cluster: FaultCluster;
let sender: ClaimSender;
let buyers = 0;

beforeAll(async () => {
  cluster = await FaultCluster.start({ envOf: () => ({ CLAIM_DRAW_MS: String(WINDOW_MS) }) });
  sender = new ClaimSender(cluster);
}, 180_000);
afterAll(async () => {
  await sender?.close();
  await cluster?.stop();
}, 60_000);

interface RoundResult {
  /** From the opening to the last answer during the draw. */
  readonly arrivedMs: number;
  readonly round: RoundOfBuyers;
  readonly heavyWins: number;
  readonly answers: readonly ClaimAnswer[];
  readonly answersOfSingle: readonly ClaimAnswer[];
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
      // Every buyer with one request took part in the draw.
      expect(Object.keys(countAnswers(played.flatMap(({ answersOfSingle }) => answersOfSingle))).sort()).toEqual([
        '201',
        '409 sold-out',
      ]);
    }),
  240_000,
);

it(
  'the test detects the advantage in a round that is first come, first served',
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

/** Runs rounds that opened `openSinceMs` ago. The next one begins when the claims of the previous one have arrived. */
async function play(random: SeededRandom, rounds: number, openSinceMs: number): Promise<RoundResult[]> {
  const results: Promise<RoundResult>[] = [];
  for (let count = 0; count < rounds; count += 1) {
    const { arrived, result } = await playRound(random, openSinceMs);
    results.push(result);
    await arrived;
  }
  const played = await Promise.all(results);
  for (const { round, answers } of played)
    expect([round.winners, countAnswers(answers)]).toEqual([UNITS, expect.anything()]);
  return played;
}

async function playRound(
  random: SeededRandom,
  openSinceMs: number,
): Promise<{ arrived: Promise<void>; result: Promise<RoundResult> }> {
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
  const claims = random.shuffled(requests).map(async ({ buyer, key }) => {
    const answer = await sender.send({ sale, token: tokens[buyer]!, key, target: random.pick(sender.targets) });
    if ((answered += 1) === ANSWERED_AT_ONCE) {
      arrivedMs = performance.now() - openedAt;
      reached();
    }
    return { buyer, answer };
  });
  return { arrived, result: Promise.all(claims).then((answers) => ({ arrivedMs, ...outcomeOf(answers) })) };
}

function outcomeOf(claims: readonly { buyer: number; answer: ClaimAnswer }[]): Omit<RoundResult, 'arrivedMs'> {
  const winners = new Set(claims.filter(({ answer }) => answer === '201').map(({ buyer }) => buyer));
  return {
    round: { buyers: HEAVY + SINGLE, heavy: HEAVY, winners: winners.size },
    heavyWins: [...winners].filter((buyer) => buyer < HEAVY).length,
    answers: claims.map(({ answer }) => answer),
    answersOfSingle: claims.filter(({ buyer }) => buyer >= HEAVY).map(({ answer }) => answer),
  };
}
