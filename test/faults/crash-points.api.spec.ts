// Goal: a claim survives the loss of its process or of one of its connections at every step. Method: at each step the
// connection is frozen and the process is killed, or the connection is cut. Afterwards the buyer repeats the request with the
// same key, or does not. In both cases the promises hold and no unit is stranded.
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
import { settleAndCheck } from './support/buyer-load';

interface CrashPoint {
  readonly name: string;
  readonly link: 'redis' | 'postgres' | 'http';
  readonly at: 'request' | 'reply';
  readonly match: (chunk: Buffer, claimId: string, wish: ClaimWish) => boolean;
  /** Whether the claim is committed when the fault is injected. */
  readonly committed: boolean;
}

const gateRequest = (chunk: Buffer, claimId: string): boolean =>
  chunk.includes(claimId) && !chunk.includes('confirmed');
const decision = (chunk: Buffer, claimId: string): boolean =>
  chunk.includes(claimId) && chunk.includes('decide-claims');
const gateReport = (chunk: Buffer, claimId: string): boolean => chunk.includes(claimId) && chunk.includes('confirmed');

const POINTS: readonly CrashPoint[] = [
  { name: 'before the gate gets the claim', link: 'redis', at: 'request', match: gateRequest, committed: false },
  {
    name: 'after the gate admitted it, before its reply',
    link: 'redis',
    at: 'reply',
    match: gateRequest,
    committed: false,
  },
  { name: 'before the decision is sent', link: 'postgres', at: 'request', match: decision, committed: false },
  { name: 'after the commit, before its reply', link: 'postgres', at: 'reply', match: decision, committed: true },
  {
    name: 'after the commit, before the answer',
    link: 'http',
    at: 'reply',
    match: (chunk, _, wish) => chunk.includes(wish.key),
    committed: true,
  },
  { name: 'before the gate gets the decision', link: 'redis', at: 'request', match: gateReport, committed: true },
  { name: 'after the gate got the decision', link: 'redis', at: 'reply', match: gateReport, committed: true },
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
            inject(point, means, random.chance(0.5) || point.committed, random),
          ),
        120_000,
      );
    }
  }
  // The buyer does not repeat the request. The gate must release the pending unit.
  for (const point of POINTS.filter(({ committed }) => !committed)) {
    const name = `${point.name} (kill), and the buyer gives up`;
    it(name, () => seeded({ file: __filename, name }, (random) => inject(point, 'kill', false, random)), 60_000);
  }

  // The sweep of the other process marks it as paid.
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

  async function inject(
    point: CrashPoint,
    means: 'kill' | 'cut',
    repeats: boolean,
    random: ConstructorParameters<typeof ClaimClient>[0]['random'],
  ): Promise<void> {
    const [node, other] = cluster.nodes as [OrdersNode, OrdersNode];
    const sale = await openSale(cluster.sql, { quotas: [UNITS] });
    const history = new ClaimHistory();
    const client = new ClaimClient({ targets: cluster.urls, history, random, tokenOf: cluster.tokenOf });
    try {
      // Both processes have loaded the round and prepared their statements.
      for (const url of cluster.urls) await client.untilAnswered(wishFor(sale, `b_first`), url);
      const wish = wishFor(sale, `b_${random.integer(1, 1_000)}`);
      const first = await loseClaim(point, means, node, wish, client);
      if (means === 'kill') {
        expect(node.process.pid).toBeUndefined();
        await node.process.start();
        await node.process.ready();
      }
      await Promise.all([node.redis.heal(), node.postgres.heal(), node.http.heal()]);
      if (repeats || first.kind === 'ok') await resolves(client, wish, first, [node.url, other.url]);
      await settleAndCheck(cluster, history, [sale]);
      const { rows } = await cluster.sql.query(`select count(*)::int as n from orders where round_id = $1`, [
        sale.roundUuid,
      ]);
      // After a cut, the process may reconnect and decide the claim. A killed process has decided only what it committed.
      if (means === 'kill') expect(rows).toEqual([{ n: repeats || point.committed ? 2 : 1 }]);
      else if (repeats) expect(rows).toEqual([{ n: 2 }]);
    } finally {
      await client.close();
    }
  }

  /** Repeats the request at both processes, and expects the same order from all answers. */
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

  /** Sends the claim and injects the fault at the point. Resolves with the answer to the buyer. */
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
    const injected = means === 'cut' ? proxy.cutAt(plan) : proxy.stallAt(plan);
    const answer = client.once(wish, node.url);
    await injected;
    if (means === 'kill') await node.process.kill();
    return answer;
  }
});

function wishFor(sale: FaultSale, buyerId: string): ClaimWish {
  return { buyerId, key: `${sale.roundId}-${buyerId}`, roundId: sale.roundId, itemId: sale.itemIds[0]!, quantity: 1 };
}
