// Goal: with far more buyers than units and every request sent twice, exactly the stock is sold and both requests get the same
// answer. Method: rounds on two real processes, and a check of all promises.
import {
  checkPromises,
  ClaimClient,
  ClaimHistory,
  type ClaimOutcome,
  FaultCluster,
  openSale,
  seeded,
  settled,
} from '@gravity/testing';
import { settleAndCheck } from './support/buyer-load';

const BUYERS = 2_000;
const UNITS = 100;
const ROUNDS = 8;
const CONCURRENT_BUYERS = 400;

describe('2,000 buyers for 100 units, each request sent twice', () => {
  let cluster: FaultCluster;

  beforeAll(async () => {
    cluster = await FaultCluster.start();
    await Promise.all(Array.from({ length: BUYERS }, (_, n) => cluster.tokenOf(`b_${n}`)));
  }, 180_000);

  afterAll(() => cluster?.stop(), 60_000);

  it(
    'sells 100 units in each of 8 rounds',
    () =>
      seeded({ file: __filename, name: 'sells 100 units' }, async (random) => {
        for (let round = 1; round <= ROUNDS; round += 1) {
          const sale = await openSale(cluster.sql, { quotas: [UNITS] });
          const history = new ClaimHistory();
          const targets = cluster.nodes.map((node) => node.process.url);
          const client = new ClaimClient({ targets, history, random, tokenOf: cluster.tokenOf });
          const waiting = random.shuffled(Array.from({ length: BUYERS }, (_, n) => `b_${n}`));
          const answers: [ClaimOutcome, ClaimOutcome][] = [];
          const buy = async (): Promise<void> => {
            for (let buyerId = waiting.pop(); buyerId !== undefined; buyerId = waiting.pop()) {
              const wish = {
                buyerId,
                key: `${sale.roundId}-1`,
                roundId: sale.roundId,
                itemId: sale.itemIds[0]!,
                quantity: 1,
              };
              const [first, second] = random.shuffled(targets);
              answers.push(await Promise.all([client.untilAnswered(wish, first), client.untilAnswered(wish, second)]));
            }
          };
          await Promise.all(Array.from({ length: CONCURRENT_BUYERS }, buy));
          await client.close();
          const codes = answers.map(([a, b]) => [answerOf(a), answerOf(b)]);
          expect(codes.filter(([a, b]) => a !== b)).toEqual([]);
          expect(codes.filter(([a]) => a !== 'sold-out')).toHaveLength(UNITS);
          const { rows } = await cluster.sql.query(`select count(*)::int as n from orders where round_id = $1`, [
            sale.roundUuid,
          ]);
          expect(rows).toEqual([{ n: UNITS }]);
          await settleAndCheck(cluster, history, [sale]);
        }
      }),
    240_000,
  );

  it(
    'a key that is used again for another item, quantity or region strands no unit',
    () =>
      seeded({ file: __filename, name: 'a key that is used again' }, async (random) => {
        const sale = await openSale(cluster.sql, { quotas: [60, 60], perBuyerLimit: 3 });
        const targets = cluster.nodes.map((node) => node.process.url);
        const client = new ClaimClient({ targets, history: new ClaimHistory(), random, tokenOf: cluster.tokenOf });
        const options = { targets, history: new ClaimHistory(), random, tokenOf: cluster.tokenOf, regionCode: 'CN-31' };
        const elsewhere = new ClaimClient(options);
        for (let turn = 1; turn <= 40; turn += 1) {
          const [first, second] = random.shuffled(sale.itemIds) as [string, string];
          const key = `${sale.roundId}-${turn}`;
          const wish = { buyerId: `b_${turn}`, key, roundId: sale.roundId, itemId: first, quantity: 1 };
          const rivals = random.shuffled([{ ...wish, itemId: second }, { ...wish, quantity: 2 }, wish]);
          const asked = [...rivals.map((rival) => client.untilAnswered(rival)), elsewhere.untilAnswered(wish)];
          const answers = await Promise.all(asked);
          const codes = answers.map((answer) => ('code' in answer ? answer.code : answer.kind)).sort();
          expect({ turn, codes }).toEqual({ turn, codes: [...Array<string>(3).fill('idempotency-key-reused'), 'ok'] });
        }
        await Promise.all([client.close(), elsewhere.close()]);
        const conservation = await settled(cluster, [sale]);
        // The history cannot describe different requests under one key, so only the stores are checked.
        const scope = { roundIds: [sale.roundId], conservation, otherClients: true };
        expect((await checkPromises(cluster.sql, new ClaimHistory(), scope)).violations).toEqual([]);
      }),
    90_000,
  );
});

function answerOf(outcome: ClaimOutcome): string {
  return outcome.kind === 'ok' ? outcome.body : 'code' in outcome ? outcome.code : outcome.kind;
}
