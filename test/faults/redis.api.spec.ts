// Redis is emptied, sent back in time, killed, kept away and frozen while a sale runs. The sale goes on, through Postgres
// alone where it must, and comes back to the gate by itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, FaultCluster, openSale, seeded, type SeededRandom } from '@gravity/testing';
import { Storm } from './support/storm';

const QUOTA = 1_200;
const BACK_WITHIN_MS = 30_000;

describe('Redis in trouble while a sale runs', () => {
  let cluster: FaultCluster;

  beforeAll(async () => (cluster = await FaultCluster.start()), 180_000);
  afterAll(() => cluster?.stop(), 60_000);

  /** A storm with a fault in its middle, then the promises. */
  const scenario = (name: string, fault: (storm: Storm, random: SeededRandom) => Promise<void>): void => {
    it(
      name,
      () =>
        seeded({ file: __filename, name }, async (random) => {
          const sale = await openSale(cluster.sql, { quotas: [QUOTA, QUOTA], perBuyerLimit: 2, winLimit: 3 });
          const storm = new Storm(cluster, sale, random, { payers: 0.1, doubled: true });
          storm.start();
          try {
            await storm.history.moreAnswers(random.integer(50, 200));
            await fault(storm, random);
            await storm.history.moreAccepted(30);
            await eventually(async () => expect(await cluster.admissionOf(sale.seriesUuid)).toBe('GATE'), {
              withinMs: BACK_WITHIN_MS,
            });
            await storm.history.moreAccepted(20);
          } finally {
            await storm.end();
          }
          await storm.check();
        }),
      120_000,
    );
  };

  scenario('is emptied', () => cluster.redis.flush());

  scenario('goes back to an older snapshot', async (storm, random) => {
    const snapshot = await cluster.redis.snapshot();
    await storm.history.moreAccepted(random.integer(50, 150));
    await cluster.redis.rewind(snapshot);
  });

  scenario('is killed and starts again empty', async () => {
    await cluster.redis.kill();
    await cluster.redis.start();
  });

  scenario('stays away: Postgres alone sells', async (storm) => {
    await cluster.redis.kill();
    // The first of these may have been decided already; the rest is sold without a gate.
    await storm.history.moreAccepted(100);
    expect(await cluster.admissionOf(storm.sale.seriesUuid)).toBe('DIRECT');
    await storm.history.moreAccepted(100);
    await cluster.redis.start();
  });

  scenario('hangs', async (storm) => {
    for (const { redis } of cluster.nodes) redis.hold();
    await storm.history.moreAccepted(100);
    for (const { redis } of cluster.nodes) redis.release();
  });

  scenario('hangs for one process only', async (storm, random) => {
    const { redis } = random.pick(cluster.nodes);
    redis.hold();
    await storm.history.moreAccepted(100);
    redis.release();
  });

  scenario('drops connections again and again', async (storm, random) => {
    for (let cut = 0; cut < 8; cut += 1) {
      random.pick(cluster.nodes).redis.cutAll();
      await storm.history.moreAnswers(random.integer(5, 40));
      await sleep(random.integer(0, 100));
    }
  });
});
