// Processes and stores that end and come back while a sale runs: killed, stopped in order, restarted, or not there yet
// when the service starts.
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
import { PATIENCE_MS, Storm, type StormOptions } from './support/storm';

/** More than the crowd can take while something is away: a sale that ends early would tell nothing of its return. */
const QUOTA = 100_000;
const PER_BUYER = 1_000;
const STORM: StormOptions = { payers: 0.1, doubled: true };

describe('processes and stores that end and come back while a sale runs', () => {
  let cluster: FaultCluster;

  beforeAll(async () => {
    cluster = await FaultCluster.start();
  }, 180_000);
  afterAll(() => cluster?.stop(), 60_000);

  const scenario = (
    name: string,
    fault: (storm: Storm, random: SeededRandom) => Promise<void>,
    options: StormOptions = STORM,
  ): void => {
    const body = async (random: SeededRandom): Promise<void> => {
      const sale = await openSale(cluster.sql, { quotas: [QUOTA], perBuyerLimit: PER_BUYER });
      const storm = new Storm(cluster, sale, random, options);
      storm.start();
      try {
        await storm.history.moreAnswers(random.integer(50, 150));
        await fault(storm, random);
        await storm.history.moreAccepted(30);
      } finally {
        await storm.end();
      }
      await storm.check();
      await cluster.outboxDrained();
    };
    it(name, () => seeded({ file: __filename, name }, body), 120_000);
  };

  scenario('one orders process is killed and started again', async (storm, random) => {
    const { process } = random.pick(cluster.nodes);
    await process.kill('SIGKILL');
    await storm.history.moreAccepted(30);
    // What the killed process had let in and never decided is on sale again after the grace and a turn of the sweeper.
    const { itemUuids, seriesUuid } = storm.sale;
    await eventually(
      async () => expect(await cluster.stalePending(seriesUuid, itemUuids[0]!, PENDING_GRACE_MS + 4_000)).toBe(0),
      { withinMs: 20_000 },
    );
    await process.start();
    await process.ready();
  });

  const frozen = async (storm: Storm, random: SeededRandom): Promise<void> => {
    const { process } = random.pick(cluster.nodes);
    const { itemUuids, seriesUuid } = storm.sale;
    process.pause();
    try {
      await storm.history.moreAccepted(100);
      await eventually(
        async () => expect(await cluster.stalePending(seriesUuid, itemUuids[0]!, PENDING_GRACE_MS + 4_000)).toBe(0),
        { withinMs: 20_000 },
      );
    } finally {
      process.resume();
    }
  };
  // Half of all requests go to the frozen process: with more patience the crowd would do little but wait.
  scenario('one orders process is frozen and goes on later', frozen, { ...STORM, patienceMs: PATIENCE_MS });

  scenario('Postgres is restarted', async (storm) => {
    await cluster.postgres.restart();
    await storm.history.moreAccepted(100);
    for (const { attempts } of storm.history.records) {
      for (const { outcome } of attempts) {
        if (outcome.kind === 'later') expect(outcome.retryAfter).toMatch(/^\d+$/);
      }
    }
  });

  scenario('Postgres is killed', async () => {
    await cluster.postgres.kill();
    await cluster.postgres.start();
  });

  scenario('Kafka is restarted', async (storm) => {
    const probe = await EventProbe.start({ brokers: cluster.kafka.url, topics: ['orders.order'] });
    try {
      await cluster.kafka.kill();
      // Nobody who buys notices.
      const before = storm.history.records.length;
      await storm.history.moreAccepted(100);
      const during = storm.history.records.slice(before).flatMap(({ attempts }) => attempts);
      expect(during.filter(({ outcome }) => !['ok', 'refused'].includes(outcome.kind))).toEqual([]);
      await cluster.kafka.start();
      const { rows } = await cluster.sql.query(`select order_id::text from orders where round_id = $1`, [
        storm.sale.roundUuid,
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

/** The sequence numbers of a key, each as it came first: the relay may publish an event twice. */
function firstSequences(probe: EventProbe, key: string): number[] {
  return [...new Set(probe.ofKey(key).map((event) => Number(event.payload['sequence'])))];
}
