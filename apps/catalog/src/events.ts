// The events that the aggregates of the catalogue record.
import type { EventPayload, EventType } from '@gravity/contracts';

export type CatalogEventType = Extract<EventType, `catalog.${string}`>;

/** One event: its type, its key (the id of its aggregate) and what it carries. */
export interface CatalogEvent<T extends CatalogEventType = CatalogEventType> {
  readonly type: T;
  readonly key: string;
  readonly payload: EventPayload<T>;
}
