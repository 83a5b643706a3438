// Reads events from Kafka with a client that shares no code with the libraries under test.
import { Kafka, logLevel, type Consumer } from 'kafkajs';
import { uniquePrefix } from './engines/fresh';

/** The shortest session that a broker allows by default. */
const SESSION_MS = 6_000;

/** A message as it was received. */
export interface ProbedEvent {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Record<string, unknown>;
}

/** Reads topics from their beginning and keeps all messages. For specs, so without a bound. */
export class EventProbe {
  readonly events: ProbedEvent[] = [];
  private readonly byKey = new Map<string, ProbedEvent[]>();

  private constructor(private readonly consumer: Consumer) {}

  /** Starts reading. The topics (full names) must exist. */
  static async start(options: { readonly brokers: string; readonly topics: readonly string[] }): Promise<EventProbe> {
    const kafka = new Kafka({
      brokers: options.brokers.split(','),
      clientId: 'event-probe',
      logLevel: logLevel.NOTHING,
    });
    // After a restart of the broker the probe joins as a new member, once the session of its old one is over.
    const session = { sessionTimeout: SESSION_MS, heartbeatInterval: SESSION_MS / 6 };
    const probe = new EventProbe(kafka.consumer({ groupId: `${uniquePrefix()}probe`, ...session }));
    await probe.consumer.connect();
    await probe.consumer.subscribe({ topics: [...options.topics], fromBeginning: true });
    await probe.consumer.run({
      eachMessage: async ({ topic, partition, message }) => {
        const headers = Object.entries(message.headers ?? {}).map(([name, text]) => [name, String(text)] as const);
        const payload = JSON.parse(String(message.value)) as Record<string, unknown>;
        const key = String(message.key);
        const event = { topic, partition, key, headers: Object.fromEntries(headers), payload };
        probe.events.push(event);
        probe.byKey.set(key, [...(probe.byKey.get(key) ?? []), event]);
      },
    });
    return probe;
  }

  /** The events of one aggregate in the order of their arrival. */
  ofKey(key: string): readonly ProbedEvent[] {
    return this.byKey.get(key) ?? [];
  }

  /** Stops reading and disconnects. The messages stay in `events`. */
  async close(): Promise<void> {
    await this.consumer.disconnect();
  }
}
