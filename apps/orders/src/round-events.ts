// The facts that a round publishes. `sequence` counts the events of a round without gaps.
import type { EventPayload, EventType } from '@gravity/contracts';
import { idFromUuid, moneyToJson, toRfc3339 } from '@gravity/kernel';
import { availableUnits } from './domain/round';
import type { Round, RoundItem } from './storage/round-rows';

type RoundEventType = Extract<EventType, `orders.round.${string}`>;

/** An event of a round, before it is given an id and written to the outbox. */
export type RoundEvent = {
  readonly [T in RoundEventType]: { readonly type: T; readonly payload: EventPayload<T> };
}[RoundEventType];

/** Makes an event once its place in the round's history and its time are known. */
export type RoundEventMaker = (round: Round, sequence: number, atMs: number) => RoundEvent;

const base = (round: Round, sequence: number, atMs: number) => ({
  sequence,
  roundId: idFromUuid('round', round.roundId),
  seriesId: idFromUuid('series', round.seriesId),
  occurredAt: toRfc3339(atMs),
});
const itemBase = (item: RoundItem) => ({
  itemId: idFromUuid('item', item.itemId),
  skuId: idFromUuid('sku', item.skuId),
});
const window = (round: Round) => ({ opensAt: toRfc3339(round.opensAtMs), closesAt: toRfc3339(round.closesAtMs) });
const offers = (round: Round) =>
  round.items.map((item) => ({ ...itemBase(item), quota: item.quota, price: moneyToJson(item.price) }));

export const roundApproved: RoundEventMaker = (round, sequence, atMs) => ({
  type: 'orders.round.approved.v1',
  payload: { ...base(round, sequence, atMs), ...window(round), items: offers(round) },
});

export const roundWarmed: RoundEventMaker = (round, sequence, atMs) => ({
  type: 'orders.round.warmed.v1',
  payload: { ...base(round, sequence, atMs), ...window(round) },
});

export const roundOpened: RoundEventMaker = (round, sequence, atMs) => ({
  type: 'orders.round.opened.v1',
  payload: { ...base(round, sequence, atMs), ...window(round), items: offers(round) },
});

export const roundSoldOut: RoundEventMaker = (round, sequence, atMs) => ({
  type: 'orders.round.sold-out.v1',
  payload: base(round, sequence, atMs),
});

/** The items that have units again. */
export const roundReopened: RoundEventMaker = (round, sequence, atMs) => ({
  type: 'orders.round.reopened.v1',
  payload: {
    ...base(round, sequence, atMs),
    items: round.items
      .filter((item) => availableUnits(item) > 0)
      .map((item) => ({ ...itemBase(item), units: availableUnits(item) })),
  },
});

export const roundClosed: RoundEventMaker = (round, sequence, atMs) => ({
  type: 'orders.round.closed.v1',
  payload: {
    ...base(round, sequence, atMs),
    items: round.items.map((item) => ({
      ...itemBase(item),
      quota: item.quota,
      sold: item.sold,
      held: item.held,
      available: availableUnits(item),
    })),
  },
});

/** The final count; `carriedOver` tells how many of the written-off units went to the next round, by item. */
export const roundSettled =
  (carriedOver: ReadonlyMap<string, number>): RoundEventMaker =>
  (round, sequence, atMs) => ({
    type: 'orders.round.settled.v1',
    payload: {
      ...base(round, sequence, atMs),
      items: round.items.map((item) => ({
        ...itemBase(item),
        quota: item.quota,
        sold: item.sold,
        writtenOff: item.writtenOff,
        carriedOver: carriedOver.get(item.itemId) ?? 0,
      })),
    },
  });

export const roundCancelled =
  (reason: string): RoundEventMaker =>
  (round, sequence, atMs) => ({
    type: 'orders.round.cancelled.v1',
    payload: { ...base(round, sequence, atMs), reason },
  });

export const roundStopped =
  (reason: string): RoundEventMaker =>
  (round, sequence, atMs) => ({
    type: 'orders.round.stopped.v1',
    payload: { ...base(round, sequence, atMs), reason },
  });

export const roundResumed: RoundEventMaker = (round, sequence, atMs) => ({
  type: 'orders.round.resumed.v1',
  payload: base(round, sequence, atMs),
});
