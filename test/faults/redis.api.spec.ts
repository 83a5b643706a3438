// Goal: a sale continues while Redis is emptied, rewound, killed, down or frozen, through Postgres alone where necessary, and
// returns to the gate. Method: real processes under load, and a check of all promises.
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, FaultCluster, openSale, seeded, type SeededRandom } from '@gravity/testing';
import { BuyerLoad } from './support/buyer-load';

const QUOTA = 1_200;
const BACK_WITHIN_MS = 30_000;

describe('Redis fails during a sale', () => {
  let cluster: FaultCluster;

  beforeAll(async () => (cluster = await FaultCluster.start()), 180_000);
  afterAll(() => cluster?.stop(), 60_000);

  /** Runs a load with a fault in the middle, then checks the promises. */
  const scenario = (name: string, fault: (load: BuyerLoad, random: SeededRandom) => Promise<void>): void => {
    it(
      name,
      () =>
        seeded({ file: __filename, name }, async (random) => {
          const sale = await openSale(cluster.sql, { quotas: [QUOTA, QUOTA], perBuyerLimit: 2, winLimit: 3 });
          const load = new BuyerLoad(cluster, sale, random, { payers: 0.1, doubled: true });
          load.start();
          try {
            await load.history.moreAnswers(random.integer(50, 200));
            await fault(load, random);
            await load.history.moreAccepted(30);
            await eventually(async () => expect(await cluster.admissionOf(sale.seriesUuid)).toBe('GATE'), {
              withinMs: BACK_WITHIN_MS,
            });
            await load.history.moreAccepted(20);
          } finally {
            await load.end();
          }
          await load.check();
        }),
      120_000,
    );
  };

  scenario('is emptied', () => cluster.redis.flush());

  scenario('is rewound to an older snapshot', async (load, random) => {
    const snapshot = await cluster.redis.snapshot();
    await load.history.moreAccepted(random.integer(50, 150));
    await cluster.redis.rewind(snapshot);
  });

  scenario('is killed and starts again empty', async () => {
    await cluster.redis.kill();
    await cluster.redis.start();
  });

  scenario('is down: Postgres alone sells', async (load) => {
    await cluster.redis.kill();
    // The first of these may have been admitted before; the rest is sold without the gate.
    await load.history.moreAccepted(100);
    expect(await cluster.admissionOf(load.sale.seriesUuid)).toBe('DIRECT');
    await load.history.moreAccepted(100);
    await cluster.redis.start();
  });

  scenario('hangs', async (load) => {
    for (const { redis } of cluster.nodes) redis.hold();
    await load.history.moreAccepted(100);
    for (const { redis } of cluster.nodes) redis.release();
  });

  scenario('hangs for one process only', async (load, random) => {
    const { redis } = random.pick(cluster.nodes);
    redis.hold();
    await load.history.moreAccepted(100);
    redis.release();
  });

  scenario('drops connections again and again', async (load, random) => {
    for (let cut = 0; cut < 8; cut += 1) {
      random.pick(cluster.nodes).redis.cutAll();
      await load.history.moreAnswers(random.integer(5, 40));
      await sleep(random.integer(0, 100));
    }
  });
});
