// Goal: a sale continues while processes and stores are killed, frozen or restarted. Method: real processes under load, and a
// check of all promises.
import { idFromUuid } from '@gravity/kernel';
import {
  EventProbe,
  eventually,
  FaultCluster,
  openSale,
  PENDING_GRACE_MS,
  seeded,
  type SeededRandom,
} from '@gravity/testing';
import { REQUEST_TIMEOUT_MS, BuyerLoad, type BuyerLoadOptions } from './support/buyer-load';

/** More units than the buyers can claim during a fault, so that the sale continues after it. */
const QUOTA = 100_000;
const PER_BUYER = 1_000;
const LOAD: BuyerLoadOptions = { payers: 0.1, doubled: true };

describe('processes and stores that end and come back while a sale runs', () => {
  let cluster: FaultCluster;

  beforeAll(async () => {
    cluster = await FaultCluster.start();
  }, 180_000);
  afterAll(() => cluster?.stop(), 60_000);

  const scenario = (
    name: string,
    fault: (load: BuyerLoad, random: SeededRandom) => Promise<void>,
    options: BuyerLoadOptions = LOAD,
  ): void => {
    const body = async (random: SeededRandom): Promise<void> => {
      const sale = await openSale(cluster.sql, { quotas: [QUOTA], perBuyerLimit: PER_BUYER });
      const load = new BuyerLoad(cluster, sale, random, options);
      load.start();
      try {
        await load.history.moreAnswers(random.integer(50, 150));
        await fault(load, random);
        await load.history.moreAccepted(30);
      } finally {
        await load.end();
      }
      await load.check();
      await cluster.outboxDrained();
    };
    it(name, () => seeded({ file: __filename, name }, body), 120_000);
  };

  scenario('one orders process is killed and started again', async (load, random) => {
    const { process } = random.pick(cluster.nodes);
    await process.kill('SIGKILL');
    await load.history.moreAccepted(30);
    // Claims that the killed process admitted but did not decide are released after the grace time, by the sweeper.
    const { itemUuids, seriesUuid } = load.sale;
    await eventually(
      async () => expect(await cluster.stalePending(seriesUuid, itemUuids[0]!, PENDING_GRACE_MS + 4_000)).toBe(0),
      { withinMs: 20_000 },
    );
    await process.start();
    await process.ready();
  });

  const frozen = async (load: BuyerLoad, random: SeededRandom): Promise<void> => {
    const { process } = random.pick(cluster.nodes);
    const { itemUuids, seriesUuid } = load.sale;
    process.pause();
    try {
      await load.history.moreAccepted(100);
      await eventually(
        async () => expect(await cluster.stalePending(seriesUuid, itemUuids[0]!, PENDING_GRACE_MS + 4_000)).toBe(0),
        { withinMs: 20_000 },
      );
    } finally {
      process.resume();
    }
  };
  // Half of all requests go to the frozen process. A longer timeout would leave the buyers waiting most of the time.
  scenario('one orders process is frozen and resumes later', frozen, { ...LOAD, patienceMs: REQUEST_TIMEOUT_MS });

  scenario('Postgres is restarted', async (load) => {
    await cluster.postgres.restart();
    await load.history.moreAccepted(100);
    for (const { attempts } of load.history.records) {
      for (const { outcome } of attempts) {
        if (outcome.kind === 'later') expect(outcome.retryAfter).toMatch(/^\d+$/);
      }
    }
  });

  scenario('Postgres is killed', async () => {
    await cluster.postgres.kill();
    await cluster.postgres.start();
  });

  scenario('Kafka is restarted', async (load) => {
    const probe = await EventProbe.start({ brokers: cluster.kafka.url, topics: ['orders.order'] });
    try {
      await cluster.kafka.kill();
      // Buyers get the same answers as before.
      const before = load.history.records.length;
      await load.history.moreAccepted(100);
      const during = load.history.records.slice(before).flatMap(({ attempts }) => attempts);
      expect(during.filter(({ outcome }) => !['ok', 'refused'].includes(outcome.kind))).toEqual([]);
      await cluster.kafka.start();
      const { rows } = await cluster.sql.query(`select order_id::text from orders where round_id = $1`, [
        load.sale.roundUuid,
      ]);
      const placed = rows.map((row) => idFromUuid('order', String(row['order_id'])));
      const missing = (): string[] => placed.filter((key) => !firstSequences(probe, key).includes(1));
      await eventually(() => expect(missing()).toEqual([]), { withinMs: 60_000 });
      for (const key of placed) {
        const sequences = firstSequences(probe, key);
        expect(sequences).toEqual(sequences.map((_, index) => index + 1));
      }
    } finally {
      await probe.close();
    }
  });
});

/** The sequence numbers of a key without repetitions, because the relay may publish an event twice. */
function firstSequences(probe: EventProbe, key: string): number[] {
  return [...new Set(probe.ofKey(key).map((event) => Number(event.payload['sequence'])))];
}
