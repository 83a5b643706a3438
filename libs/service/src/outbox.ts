// Writes the events of a service into its outbox.
import { EVENTS, type EventPayload, type EventType, validateEvent } from '@gravity/contracts';
import { assert, type Clock, newUuid } from '@gravity/kernel';
import { appendToOutbox } from '@gravity/messaging';
import type { Tx } from '@gravity/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK } from './tokens';

/** An event before it is written: its type, its key (the id of its aggregate) and its payload. */
export interface DomainEvent<T extends EventType = EventType> {
  readonly type: T;
  readonly key: string;
  readonly payload: EventPayload<T>;
}

/** Writes a service's events, each checked against its schema first. */
@Injectable()
export class Outbox {
  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  /**
   * Appends events in the transaction of their cause. The caller holds the lock of each event's aggregate or is
   * creating it, so that events of one key stay in order. An event that does not match its schema is a bug: it throws.
   */
  async append(
    tx: Pick<Tx, 'query'>,
    events: readonly { readonly type: EventType; readonly key: string; readonly payload: object }[],
  ): Promise<void> {
    const occurredAtMs = this.clock.nowMs();
    const rows = events.map(({ type, key, payload }) => {
      const fault = validateEvent(type, payload, 'writer');
      assert(fault === undefined, `${type}: ${fault}`);
      const { topic } = EVENTS[type];
      return { eventId: newUuid(this.clock), topic, key, type, payload: JSON.stringify(payload), occurredAtMs };
    });
    await appendToOutbox(tx, rows);
  }
}
