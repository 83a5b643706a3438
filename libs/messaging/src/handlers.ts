// The event handlers of one consumer, and the order in which they get the messages of a batch.
import type { MessageHandler } from '@nestjs/microservices';
import type { Tx } from '@gravity/persistence';
import { isObservable, lastValueFrom } from 'rxjs';
import type { EventEnvelope } from './event';
import type { Incoming } from './incoming';

/** The second argument of an event handler (`@Ctx()`). */
export class EventContext {
  constructor(
    /** The transaction that also records the event in the inbox. All effects belong in it. */
    readonly tx: Tx,
    readonly envelopes: readonly EventEnvelope[],
  ) {}

  /** The envelope of the event; in a batch handler, of the first event. */
  get envelope(): EventEnvelope {
    return this.envelopes[0]!;
  }
}

/** Options of an event handler, in the extras of its pattern. */
export interface HandlerExtras {
  /** Takes arrays of events of one type (`@Payload() events: E[]`, `context.envelopes`), for set-based SQL. */
  readonly batch?: boolean;
}

interface Registered {
  readonly call: MessageHandler;
  readonly batch: boolean;
}

/** Messages of one type that are handled together. */
export interface Group {
  readonly type: string;
  readonly messages: Incoming[];
}

/** The event handlers of one consumer, by type of event. */
export class HandlerRegistry {
  private readonly byType = new Map<string, Registered[]>();

  add(type: string, call: MessageHandler, extras: HandlerExtras): void {
    const handlers = this.byType.get(type) ?? [];
    handlers.push({ call, batch: extras.batch === true });
    this.byType.set(type, handlers);
  }

  has(type: string): boolean {
    return this.byType.has(type);
  }

  get types(): string[] {
    return [...this.byType.keys()];
  }

  /**
   * Groups messages by type where that cannot change the order within any key: a message joins the newest group of its
   * type unless a message of its key sits in a later group.
   */
  plan(messages: readonly Incoming[]): Group[] {
    const groups: Group[] = [];
    const newestOfType = new Map<string, number>();
    const newestOfKey = new Map<string, number>();
    for (const message of messages) {
      const { type, topic, key } = message.envelope;
      const keyId = key === null ? undefined : `${topic}\u0000${key}`;
      let index = newestOfType.get(type);
      if (index === undefined || (keyId !== undefined && (newestOfKey.get(keyId) ?? -1) > index)) {
        index = groups.push({ type, messages: [] }) - 1;
        newestOfType.set(type, index);
      }
      groups[index]!.messages.push(message);
      if (keyId !== undefined) newestOfKey.set(keyId, index);
    }
    return groups;
  }

  /** Calls every handler of every message, one after another. Rejects with the first failure. */
  async call(tx: Tx, messages: readonly Incoming[]): Promise<void> {
    for (const group of this.plan(messages)) {
      for (const handler of this.byType.get(group.type) ?? []) {
        if (handler.batch) {
          await run(
            handler,
            group.messages.map(({ payload }) => payload),
            tx,
            group.messages,
          );
          continue;
        }
        for (const message of group.messages) await run(handler, message.payload, tx, [message]);
      }
    }
  }
}

async function run(handler: Registered, data: unknown, tx: Tx, messages: readonly Incoming[]): Promise<void> {
  const context = new EventContext(
    tx,
    messages.map(({ envelope }) => envelope),
  );
  // Nest returns failures inside an observable.
  const result: unknown = await handler.call(data, context);
  if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
}
