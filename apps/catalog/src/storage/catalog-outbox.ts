// Writes the catalogue's events into the outbox, each checked against its schema first.
import { EVENTS, validateEvent } from '@gravity/contracts';
import { type Clock, assert, newUuid } from '@gravity/kernel';
import { appendToOutbox } from '@gravity/messaging';
import type { Tx } from '@gravity/persistence';
import { Inject, Injectable } from '@nestjs/common';
import type { CatalogEvent } from '../events';
import { CLOCK } from '../tokens';

@Injectable()
export class CatalogOutbox {
  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  /** Appends the events in the transaction of their cause. An event that does not fit its schema is a bug: it throws. */
  async append(tx: Tx, events: readonly CatalogEvent[]): Promise<void> {
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
