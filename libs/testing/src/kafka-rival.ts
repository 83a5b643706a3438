// A Kafka client that disturbs a service: a further member of its consumer group, and a sender of messages that no
// handler can read.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Consumer, Kafka, logLevel, type Message } from 'kafkajs';

const JOIN_WITHIN_MS = 20_000;
const SESSION_TIMEOUT_MS = 10_000;
const FETCH_WAIT_MS = 200;

/** The partitions of a group member, and what it may do with them. */
export interface RivalMembership {
  readonly partitions: readonly number[];
  /** Sets the group's offset of each of these partitions to 0. */
  readonly rewind: () => Promise<void>;
}

/** A client of one broker. Every call connects and disconnects. */
export class KafkaRival {
  private readonly kafka: Kafka;

  constructor(brokers: string) {
    this.kafka = new Kafka({ clientId: 'rival', brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  }

  /**
   * Is a member of the group during `work`. It receives messages and does nothing with them. Uncommitted messages go to
   * the next owner of the partition. Rejects when the group does not admit it.
   */
  async asMember<T>(groupId: string, topic: string, work: (member: RivalMembership) => Promise<T>): Promise<T> {
    const timing = { sessionTimeout: SESSION_TIMEOUT_MS, maxWaitTimeInMs: FETCH_WAIT_MS };
    const consumer = this.kafka.consumer({ groupId, ...timing });
    try {
      const partitions = await join(consumer, topic);
      const offsets = partitions.map((partition) => ({ topic, partition, offset: '0' }));
      return await work({ partitions, rewind: () => consumer.commitOffsets(offsets) });
    } finally {
      await consumer.disconnect().catch(() => undefined);
    }
  }

  /** The end offset of each partition. */
  async ends(topic: string): Promise<ReadonlyMap<number, number>> {
    const admin = this.kafka.admin();
    try {
      await admin.connect();
      const offsets = await admin.fetchTopicOffsets(topic);
      return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }

  /** Sends messages as they are; resolves when the broker has them. */
  async send(topic: string, messages: readonly Message[]): Promise<void> {
    const producer = this.kafka.producer();
    try {
      await producer.connect();
      await producer.send({ topic, acks: -1, messages: [...messages] });
    } finally {
      await producer.disconnect().catch(() => undefined);
    }
  }
}

async function join(consumer: Consumer, topic: string): Promise<number[]> {
  const joined = new Promise<number[]>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => resolve(payload.memberAssignment[topic] ?? []));
  });
  await consumer.connect();
  await consumer.subscribe({ topic });
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => undefined });
  const late = sleep(JOIN_WITHIN_MS, undefined, { ref: false }).then(() => undefined);
  const partitions = await Promise.race([joined, late]);
  if (partitions === undefined) throw new Error('the group did not admit a second member');
  return partitions;
}
