// Goal: orders starts without its engines, answers 503 with Retry-After, and works as soon as they are up. Method: real
// processes that start while all engines are down.
import { eventually, FaultCluster, openSale, seeded } from '@gravity/testing';
import { BuyerLoad } from './support/buyer-load';

const RECOVERS_WITHIN_MS = 60_000;

describe('orders started before its stores', () => {
  let cluster: FaultCluster;

  beforeAll(async () => {
    cluster = await FaultCluster.start({ startServices: false });
  }, 180_000);
  afterAll(() => cluster?.stop(), 60_000);

  it(
    'answers 503 until they are up, then sells',
    () =>
      seeded({ file: __filename, name: 'answers 503 until they are up' }, async (random) => {
        const sale = await openSale(cluster.sql, { quotas: [50] });
        const engines = [cluster.postgres, cluster.redis, cluster.kafka];
        await Promise.all(engines.map((engine) => engine.kill()));
        await cluster.startServices(2, false);
        const load = new BuyerLoad(cluster, sale, random);
        for (const node of cluster.nodes) {
          const readiness = await node.process.readiness();
          expect(readiness).toMatchObject({ httpStatus: 503, status: 'unready' });
          expect(
            readiness.checks
              .filter((check) => !check.ok)
              .map((check) => check.name)
              .sort(),
          ).toEqual(expect.arrayContaining(['orders gate', 'orders kafka', 'orders postgres']));
          const outcome = await load.client.once(load.wish(), node.url);
          expect(outcome).toMatchObject({ kind: 'later', status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
        }
        // Orders sells with Postgres alone.
        await cluster.postgres.start();
        await Promise.all(cluster.nodes.map((node) => node.process.ready()));
        expect((await load.client.untilAnswered(load.wish('b_early'))).kind).toBe('ok');
        await Promise.all([cluster.redis.start(), cluster.kafka.start()]);
        await eventually(
          async () => {
            for (const node of cluster.nodes) expect(await node.process.readiness()).toMatchObject({ status: 'ready' });
          },
          { withinMs: RECOVERS_WITHIN_MS },
        );
        load.start();
        await load.history.moreAccepted(20);
        await load.check();
        await cluster.outboxDrained();
      }),
    180_000,
  );
});
