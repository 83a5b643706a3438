// Every step of a claim at which the process, or one of its connections, can be lost: the connection is frozen at the
// step and the process killed, or the connection is cut there. Afterwards the buyer asks again under the same key, or
// never comes back; either way the promises hold and no unit is stranded.
import { uuidFromParts } from '@gravity/kernel';
import {
  ClaimClient,
  ClaimHistory,
  type ClaimOutcome,
  type ClaimWish,
  eventually,
  FaultCluster,
  type FaultSale,
  openSale,
  type OrdersNode,
  seeded,
  type TcpProxy,
} from '@gravity/testing';
import { settleAndCheck } from './support/storm';

interface CrashPoint {
  readonly name: string;
  readonly link: 'redis' | 'postgres' | 'http';
  readonly at: 'request' | 'reply';
  readonly match: (chunk: Buffer, claimId: string, wish: ClaimWish) => boolean;
  /** Whether the claim is committed when the fault strikes. */
  readonly committed: boolean;
}

const asksGate = (chunk: Buffer, claimId: string): boolean => chunk.includes(claimId) && !chunk.includes('confirmed');
const decides = (chunk: Buffer, claimId: string): boolean => chunk.includes(claimId) && chunk.includes('decide-claims');
const reports = (chunk: Buffer, claimId: string): boolean => chunk.includes(claimId) && chunk.includes('confirmed');

const POINTS: readonly CrashPoint[] = [
  { name: 'before the gate hears of the claim', link: 'redis', at: 'request', match: asksGate, committed: false },
  { name: 'after the gate let it in, before its reply', link: 'redis', at: 'reply', match: asksGate, committed: false },
  { name: 'before the decision is sent', link: 'postgres', at: 'request', match: decides, committed: false },
  { name: 'after the commit, before its reply', link: 'postgres', at: 'reply', match: decides, committed: true },
  {
    name: 'after the commit, before the answer',
    link: 'http',
    at: 'reply',
    match: (chunk, _, wish) => chunk.includes(wish.key),
    committed: true,
  },
  { name: 'before the gate hears of the decision', link: 'redis', at: 'request', match: reports, committed: true },
  { name: 'after the gate heard of the decision', link: 'redis', at: 'reply', match: reports, committed: true },
];

const UNITS = 3;
const committed = POINTS.find(({ name }) => name === 'after the commit, before its reply')!;

describe('a claim whose process or connection is lost', () => {
  let cluster: FaultCluster;

  beforeAll(async () => {
    cluster = await FaultCluster.start();
  }, 180_000);
  afterAll(() => cluster?.stop(), 60_000);

  for (const point of POINTS) {
    for (const means of ['kill', 'cut'] as const) {
      const name = `${point.name} (${means})`;
      it(
        name,
        () =>
          seeded({ file: __filename, name }, (random) =>
            strike(point, means, random.chance(0.5) || point.committed, random),
          ),
        120_000,
      );
    }
  }
  // The buyer never asks again: what the gate noted for him has to come back by itself.
  for (const point of POINTS.filter(({ committed }) => !committed)) {
    const name = `${point.name} (kill), and the buyer gives up`;
    it(name, () => seeded({ file: __filename, name }, (random) => strike(point, 'kill', false, random)), 60_000);
  }

  // The survivor's sweep pays it: nobody else knows that there is nothing to pay.
  const died = 'after the commit (kill), of an order that costs nothing';
  it(
    died,
    () =>
      seeded({ file: __filename, name: died }, async (random) => {
        const node = cluster.nodes[0] as OrdersNode;
        const sale = await openSale(cluster.sql, { quotas: [UNITS], priceMinor: 0 });
        const history = new ClaimHistory();
        const client = new ClaimClient({ targets: cluster.urls, history, random, tokenOf: cluster.tokenOf });
        try {
          for (const url of cluster.urls) await client.untilAnswered(wishFor(sale, 'b_first'), url);
          const wish = wishFor(sale, 'b_free');
          await loseClaim(committed, 'kill', node, wish, client);
          await eventually(async () => {
            const { rows } = await cluster.sql.query('select status from orders where round_id = $1', [sale.roundUuid]);
            expect(rows).toEqual([{ status: 'PAID' }, { status: 'PAID' }]);
          });
          await node.process.start();
          await node.process.ready();
          await Promise.all([node.redis.heal(), node.postgres.heal(), node.http.heal()]);
          expect((await client.untilAnswered(wish, node.url)).kind).toBe('ok');
          await settleAndCheck(cluster, history, [sale]);
        } finally {
          await client.close();
        }
      }),
    120_000,
  );

  async function strike(
    point: CrashPoint,
    means: 'kill' | 'cut',
    asksAgain: boolean,
    random: ConstructorParameters<typeof ClaimClient>[0]['random'],
  ): Promise<void> {
    const [node, other] = cluster.nodes as [OrdersNode, OrdersNode];
    const sale = await openSale(cluster.sql, { quotas: [UNITS] });
    const history = new ClaimHistory();
    const client = new ClaimClient({ targets: cluster.urls, history, random, tokenOf: cluster.tokenOf });
    try {
      // The round is warm in both processes, and so are their prepared statements.
      for (const url of cluster.urls) await client.untilAnswered(wishFor(sale, `b_first`), url);
      const wish = wishFor(sale, `b_${random.integer(1, 1_000)}`);
      const first = await loseClaim(point, means, node, wish, client);
      if (means === 'kill') {
        expect(node.process.pid).toBeUndefined();
        await node.process.start();
        await node.process.ready();
      }
      await Promise.all([node.redis.heal(), node.postgres.heal(), node.http.heal()]);
      if (asksAgain || first.kind === 'ok') await resolves(client, wish, first, [node.url, other.url]);
      await settleAndCheck(cluster, history, [sale]);
      const { rows } = await cluster.sql.query(`select count(*)::int as n from orders where round_id = $1`, [
        sale.roundUuid,
      ]);
      // A cut may be mended before the buyer has to ask again; a killed process has decided what it had committed.
      if (means === 'kill') expect(rows).toEqual([{ n: asksAgain || point.committed ? 2 : 1 }]);
      else if (asksAgain) expect(rows).toEqual([{ n: 2 }]);
    } finally {
      await client.close();
    }
  }

  /** Asks again at both processes: the same order, whatever was heard first. */
  async function resolves(
    client: ClaimClient,
    wish: ClaimWish,
    first: ClaimOutcome,
    urls: readonly string[],
  ): Promise<void> {
    const answers = await Promise.all(urls.map((url) => client.untilAnswered(wish, url)));
    for (const answer of [first, ...answers].filter(({ kind }) => kind === 'ok')) {
      expect(answer).toMatchObject({ kind: 'ok', orderId: (answers[0] as { orderId: string }).orderId });
    }
    expect(answers.map(({ kind }) => kind)).toEqual(['ok', 'ok']);
  }

  /** Sends the claim and strikes when it has come to the point. Resolves with what the buyer heard. */
  async function loseClaim(
    point: CrashPoint,
    means: 'kill' | 'cut',
    node: OrdersNode,
    wish: ClaimWish,
    client: ClaimClient,
  ): Promise<ClaimOutcome> {
    const claimId = uuidFromParts('claim', wish.buyerId, wish.key);
    const proxy: TcpProxy = node[point.link];
    const plan = { at: point.at, match: (chunk: Buffer): boolean => point.match(chunk, claimId, wish) };
    const struck = means === 'cut' ? proxy.cutAt(plan) : proxy.stallAt(plan);
    const heard = client.once(wish, node.url);
    await struck;
    if (means === 'kill') await node.process.kill();
    return heard;
  }
});

function wishFor(sale: FaultSale, buyerId: string): ClaimWish {
  return { buyerId, key: `${sale.roundId}-${buyerId}`, roundId: sale.roundId, itemId: sale.itemIds[0]!, quantity: 1 };
}
