// Goal: ten thousand requests from one address push nobody else out, and limits hold as each operation declares while
// Redis is away. Method: two real processes behind what stands for a balancer (it names the address last in
// X-Forwarded-For; what a client writes there itself stands before it). One address floods with bad tokens and with one
// buyer's good one, while two hundred buyers claim once each from addresses of their own; there is a unit for each of them.
import { eventually, FaultCluster, openSale, seeded } from '@gravity/testing';
import { Crowd, tally, type TapAnswer } from './crowd';

const FLOOD = 10_000;
const FLOODED_AT_ONCE = 100;
const OTHERS = 200;
const OTHERS_AT_ONCE = 10;
/** To a bad token, and to a buyer who has his unit already. */
const OTHER_ANSWERS = new Set(['401 unauthenticated', '409 limit-reached', '409 sold-out']);
const FLOODER = '203.0.113.9';

let cluster: FaultCluster;
let crowd: Crowd;

beforeAll(async () => {
  cluster = await FaultCluster.start({ envOf: () => ({ TRUSTED_PROXIES: '1', BAD_TOKENS_PER_SECOND: '20' }) });
  crowd = new Crowd(cluster);
}, 180_000);
afterAll(async () => {
  await crowd?.close();
  await cluster?.stop();
}, 60_000);

const NAME = 'ten thousand requests from one address push nobody out';

it(
  NAME,
  () =>
    seeded({ file: __filename, name: NAME }, async (random) => {
      const sale = await openSale(cluster.sql, { quotas: [OTHERS + 1] });
      const bad = await cluster.issuer.bad.wronglySigned({ sub: 'b_flood', roles: ['buyer'] });
      const good = await cluster.tokenOf('b_flood');
      const heard: TapAnswer[] = [];
      const heardByOthers: TapAnswer[] = [];
      let [sent, came] = [0, 0];
      const flood = async (): Promise<void> => {
        while ((sent += 1) <= FLOOD) {
          const token = sent % 2 === 0 ? good : bad;
          const address = `198.51.100.${random.integer(1, 250)}, ${FLOODER}`;
          heard.push(await crowd.tap({ sale, token, key: `f-${sent}`, address, target: random.pick(crowd.targets) }));
        }
      };
      const others = async (): Promise<void> => {
        while ((came += 1) <= OTHERS) {
          const [number, token] = [came, await cluster.tokenOf(`b_${came}`)];
          // They come all through the flood.
          await eventually(async () => expect(heard.length).toBeGreaterThan((FLOOD * 0.9 * number) / OTHERS), {
            withinMs: 240_000,
          });
          const address = `192.0.2.${number}`;
          const target = random.pick(crowd.targets);
          heardByOthers.push(await crowd.tap({ sale, token, key: 'mine', address, target }));
        }
      };
      await Promise.all([
        ...Array.from({ length: FLOODED_AT_ONCE }, flood),
        ...Array.from({ length: OTHERS_AT_ONCE }, others),
      ]);
      expect(tally(heardByOthers)).toEqual({ '201': OTHERS });
      expectHeldOff(heard);
    }),
  240_000,
);

/** Much of the flood, the more the faster it came, was refused for being one; nothing of it broke. */
function expectHeldOff(heard: readonly TapAnswer[]): void {
  const { '201': won = 0, '429 rate-limited': limited = 0, ...rest } = tally(heard);
  expect(won).toBeLessThanOrEqual(1);
  expect(limited).toBeGreaterThan(FLOOD / 10);
  expect(Object.keys(rest).filter((answer) => !OTHER_ANSWERS.has(answer))).toEqual([]);
}

describe('without Redis', () => {
  beforeAll(() => cluster.redis.kill(), 30_000);

  it('a limit that is declared open is counted by each process', async () => {
    const sale = await openSale(cluster.sql, { quotas: [2] });
    const token = await cluster.tokenOf('b_without_redis');
    const claim = (key: string): Promise<TapAnswer> =>
      crowd.tap({ sale, token, key, address: '192.0.2.201', target: crowd.targets[0]! });
    await eventually(async () => expect(await claim('first')).toBe('201'), { withinMs: 20_000 });
    const answers = await Promise.all(Array.from({ length: 400 }, (_, number) => claim(`k-${number}`)));
    expect(tally(answers)).toMatchObject({ '429 rate-limited': expect.any(Number) });
    // Somebody else is not concerned.
    const other = await cluster.tokenOf('b_other_without_redis');
    const { targets } = crowd;
    expect(await crowd.tap({ sale, token: other, key: 'mine', address: '192.0.2.202', target: targets[0]! })).toBe(
      '201',
    );
  });
});
