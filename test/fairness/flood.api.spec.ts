// Goal: ten thousand requests from one address do not keep other buyers out, and limits work as declared while Redis is
// down. Method: two real processes get requests as from a balancer, which appends the client address to X-Forwarded-For. One
// address floods with invalid tokens and with the valid token of one buyer, while two hundred buyers claim once each from
// their own addresses; there is a unit for each of them.
import { eventually, FaultCluster, openSale, seeded } from '@gravity/testing';
import { ClaimSender, countAnswers, type ClaimAnswer } from './claim-sender';

const FLOOD = 10_000;
const FLOODED_AT_ONCE = 100;
const OTHERS = 200;
const OTHERS_AT_ONCE = 10;
/** Answers to an invalid token, and to a buyer who already has a unit. */
const OTHER_ANSWERS = new Set(['401 unauthenticated', '409 limit-reached', '409 sold-out']);
const FLOODER = '203.0.113.9';

let cluster: FaultCluster;
let sender: ClaimSender;

beforeAll(async () => {
  cluster = await FaultCluster.start({ envOf: () => ({ TRUSTED_PROXIES: '1', BAD_TOKENS_PER_SECOND: '20' }) });
  sender = new ClaimSender(cluster);
}, 180_000);
afterAll(async () => {
  await sender?.close();
  await cluster?.stop();
}, 60_000);

const NAME = 'ten thousand requests from one address do not keep other buyers out';

it(
  NAME,
  () =>
    seeded({ file: __filename, name: NAME }, async (random) => {
      const sale = await openSale(cluster.sql, { quotas: [OTHERS + 1] });
      const bad = await cluster.issuer.bad.wronglySigned({ sub: 'b_flood', roles: ['buyer'] });
      const good = await cluster.tokenOf('b_flood');
      const answers: ClaimAnswer[] = [];
      const answersToOthers: ClaimAnswer[] = [];
      let [sent, claimed] = [0, 0];
      const flood = async (): Promise<void> => {
        while ((sent += 1) <= FLOOD) {
          const token = sent % 2 === 0 ? good : bad;
          const address = `198.51.100.${random.integer(1, 250)}, ${FLOODER}`;
          answers.push(
            await sender.send({ sale, token, key: `f-${sent}`, address, target: random.pick(sender.targets) }),
          );
        }
      };
      const others = async (): Promise<void> => {
        while ((claimed += 1) <= OTHERS) {
          const [number, token] = [claimed, await cluster.tokenOf(`b_${claimed}`)];
          // The claims are spread over the duration of the flood.
          await eventually(async () => expect(answers.length).toBeGreaterThan((FLOOD * 0.9 * number) / OTHERS), {
            withinMs: 240_000,
          });
          const address = `192.0.2.${number}`;
          const target = random.pick(sender.targets);
          answersToOthers.push(await sender.send({ sale, token, key: 'mine', address, target }));
        }
      };
      await Promise.all([
        ...Array.from({ length: FLOODED_AT_ONCE }, flood),
        ...Array.from({ length: OTHERS_AT_ONCE }, others),
      ]);
      expect(countAnswers(answersToOthers)).toEqual({ '201': OTHERS });
      expectLimited(answers);
    }),
  240_000,
);

/** A large part of the flood is rate-limited, and no request fails in another way. */
function expectLimited(answers: readonly ClaimAnswer[]): void {
  const { '201': won = 0, '429 rate-limited': limited = 0, ...rest } = countAnswers(answers);
  expect(won).toBeLessThanOrEqual(1);
  expect(limited).toBeGreaterThan(FLOOD / 10);
  expect(Object.keys(rest).filter((answer) => !OTHER_ANSWERS.has(answer))).toEqual([]);
}

describe('without Redis', () => {
  beforeAll(() => cluster.redis.kill(), 30_000);

  it('a limit that is declared open is counted by each process', async () => {
    const sale = await openSale(cluster.sql, { quotas: [2] });
    const token = await cluster.tokenOf('b_without_redis');
    const claim = (key: string): Promise<ClaimAnswer> =>
      sender.send({ sale, token, key, address: '192.0.2.201', target: sender.targets[0]! });
    await eventually(async () => expect(await claim('first')).toBe('201'), { withinMs: 20_000 });
    const answers = await Promise.all(Array.from({ length: 400 }, (_, number) => claim(`k-${number}`)));
    expect(countAnswers(answers)).toMatchObject({ '429 rate-limited': expect.any(Number) });
    // The limit does not affect another buyer.
    const other = await cluster.tokenOf('b_other_without_redis');
    const { targets } = sender;
    expect(await sender.send({ sale, token: other, key: 'mine', address: '192.0.2.202', target: targets[0]! })).toBe(
      '201',
    );
  });
});
