// Faults of the consumers of events: members that join and leave, a topic that is read again from its beginning, messages
// that no handler can process, and handlers that take long because their rows are locked.
import { setTimeout as sleep } from 'node:timers/promises';
import { newUuid } from '@gravity/kernel';
import { eventually, KafkaRival } from '@gravity/testing';
import type { World } from '../world';
import type { FaultKind } from './fault-kind';
import { end, rival } from './postgres';

const TOPIC = 'catalog.sku';
const GROUP = 'orders';
const parts = (): string[] => ['kafka'];
const DEAD_LETTER_WITHIN_MS = 30_000;
const STAY_MS = 1_000;

function rivalOf({ cluster }: World): KafkaRival {
  return new KafkaRival(cluster.kafkaLink.through(cluster.kafka.url));
}

const rebalance: FaultKind = {
  name: 'consumer-rebalance',
  title: 'another member of the consumer group takes partitions, and leaves without any work done',
  lastsMs: [3_000, 8_000],
  parts,
  inject: async (world, { forMs }) => {
    const until = performance.now() + forMs;
    let fired = 0;
    do {
      const taken = await rivalOf(world).asMember(GROUP, TOPIC, async ({ partitions }) => {
        await sleep(STAY_MS);
        return partitions.length;
      });
      if (taken > 0) fired += 1;
    } while (performance.now() < until);
    return async () => ({ fired });
  },
};

const replay: FaultKind = {
  name: 'consumer-replay',
  title: 'offsets of the consumer group set back to 0: every message is delivered again',
  lastsMs: [3_000, 8_000],
  parts,
  inject: async (world, { forMs }) => {
    const until = performance.now() + forMs;
    const kafka = rivalOf(world);
    let fired = 0;
    do {
      const ends = await kafka.ends(TOPIC);
      fired += await kafka.asMember(GROUP, TOPIC, async ({ partitions, rewind }) => {
        await rewind();
        return partitions.reduce((sum, partition) => sum + (ends.get(partition) ?? 0), 0);
      });
    } while (fired === 0 && performance.now() < until);
    return async () => ({ fired });
  },
};

const poison: FaultKind = {
  name: 'consumer-poison',
  title: 'messages that no handler can process, between those of the catalogue',
  lastsMs: [500, 3_000],
  parts,
  inject: async (world) => {
    const texts = ['{', '', JSON.stringify({ skuId: 'not an id' })];
    const ids = texts.map(() => newUuid());
    const messages = texts.map((value, index) => ({
      key: `poison_${ids[index]}`,
      value,
      headers: { ce_id: ids[index]!, ce_type: 'catalog.sku.priced.v1', ce_source: 'chaos' },
    }));
    await rivalOf(world).send(TOPIC, messages);
    world.poison.push(...ids);
    return async () => ({ fired: ids.length });
  },
};

const slow: FaultKind = {
  name: 'consumer-slow',
  title: 'the rows that the handlers write locked by another session: slow handlers',
  lastsMs: [2_000, 18_000],
  parts: () => ['postgres'],
  inject: async (world) => {
    const client = await rival(world);
    try {
      await client.query('begin');
      const { rowCount } = await client.query('select 1 from sku_snapshots order by sku_id for update');
      const waiting = await handlersWait(world);
      return async () => {
        await end(client);
        return { fired: waiting ? (rowCount ?? 0) : 0 };
      };
    } catch (error) {
      await end(client);
      throw error;
    }
  },
};

/** True when a handler waits for the lock. */
async function handlersWait(world: World): Promise<boolean> {
  const client = await rival(world);
  try {
    await eventually(
      async () => {
        const { rowCount } = await client.query(
          `select 1 from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock' and query ilike '%sku_snapshots%'`,
        );
        if (rowCount === 0) throw new Error('no handler waits');
      },
      { withinMs: 1_500 },
    );
    return true;
  } catch {
    return false;
  } finally {
    await end(client);
  }
}

/** Poison messages that are not dead letters, and dead letters that were not sent as poison. */
export async function wrongDeadLetters({ cluster, poison: sent }: World): Promise<string[]> {
  const look = async (): Promise<string[]> => {
    const { rows } = await cluster.sql.query(
      `select event_id::text, key, reason from dead_letters where status in ('PARKED', 'REPLAY')`,
    );
    const letters = new Set(rows.map((row) => String(row['event_id'])));
    const missing = sent.filter((id) => !letters.has(id)).map((id) => `the poison message ${id} is not a dead letter`);
    const others = rows.filter((row) => !sent.includes(String(row['event_id'])));
    return [
      ...missing,
      ...others.map(
        (row) => `a dead letter that is no poison message: ${String(row['key'])}, ${String(row['reason'])}`,
      ),
    ];
  };
  const clean = eventually(
    async () => {
      if ((await look()).length > 0) throw new Error('not yet');
    },
    { withinMs: DEAD_LETTER_WITHIN_MS },
  );
  await clean.catch(() => undefined);
  return look();
}

export const consumerFaults: readonly FaultKind[] = [rebalance, replay, poison, slow];
