// Shared by the specs of this library: a database with its tables, events, and a reader of topics.
import { newUuid } from '@gravity/kernel';
import { type Database, migrate, openDatabase } from '@gravity/persistence';
import { engines, freshDatabase } from '@gravity/testing';
import { Kafka, logLevel } from 'kafkajs';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { deadLettersDdl, inboxDdl, outboxDdl } from '../src/ddl';
import type { OutboxEvent } from '../src/event';

class Messaging1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(outboxDdl() + inboxDdl() + deadLettersDdl());
    await runner.query('create table effect (n bigint generated always as identity, key text, value int)');
  }
  async down(): Promise<void> {}
}

export interface SpecDatabase {
  readonly url: string;
  readonly database: Database;
  close(): Promise<void>;
}

/** A database with outbox, inbox, dead letters and a table for effects. */
export async function messagingDatabase(name: string): Promise<SpecDatabase> {
  const fresh = await freshDatabase(name);
  await migrate({ url: fresh.url, service: 'spec', migrations: [Messaging1700000000001] });
  const database = openDatabase({ url: fresh.url, applicationName: 'spec' });
  return {
    url: fresh.url,
    database,
    close: async () => {
      await database.close();
      await fresh.drop();
    },
  };
}

/** An event of type `spec.thing.<what>.v1` about a key. */
export function thingEvent(key: string, payload: object, what = 'changed'): OutboxEvent {
  return {
    eventId: newUuid(),
    topic: 'spec.thing',
    key,
    type: `spec.thing.${what}.v1`,
    payload: JSON.stringify(payload),
    occurredAtMs: 1_700_000_000_000,
  };
}

export interface ReadMessage {
  readonly id: string;
  readonly key: string;
  readonly payload: { readonly n: number };
  readonly headers: Record<string, string>;
}

/** Collects everything that is on a topic and arrives later. */
export async function readTopic(
  topic: string,
  brokers = engines().kafkaBrokers,
): Promise<{ messages: ReadMessage[]; stop: () => Promise<void> }> {
  const messages: ReadMessage[] = [];
  const kafka = new Kafka({ clientId: 'spec', brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `reader-${newUuid()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const headers = Object.fromEntries(
        Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
      );
      messages.push({
        id: headers['ce_id']!,
        key: String(message.key),
        payload: JSON.parse(String(message.value)) as { n: number },
        headers,
      });
    },
  });
  return { messages, stop: () => consumer.disconnect() };
}

/** The first occurrence of every message, by key, in the order of arrival. */
export function firstByKey(messages: readonly ReadMessage[]): Map<string, number[]> {
  const seen = new Set<string>();
  const byKey = new Map<string, number[]>();
  for (const { id, key, payload } of messages) {
    if (seen.has(id)) continue;
    seen.add(id);
    byKey.set(key, [...(byKey.get(key) ?? []), payload.n]);
  }
  return byKey;
}
