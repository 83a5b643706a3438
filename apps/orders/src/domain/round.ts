// The life of a round: which states follow which, and what a round should do next given the time and its counters.
import { defineStateMachine } from '@gravity/kernel';

export type RoundStatus = 'DRAFT' | 'APPROVED' | 'WARMED' | 'OPEN' | 'SOLD_OUT' | 'CLOSED' | 'SETTLED' | 'CANCELLED';

/** The order in which the claims of an opening reach the gate: as they arrive, or by a draw among the buyers. */
export const ADMISSION_ORDERS = ['FIRST_COME', 'DRAW'] as const;
export type AdmissionOrderName = (typeof ADMISSION_ORDERS)[number];

/** SOLD_OUT and OPEN alternate as units come back. Nothing leaves SETTLED and CANCELLED. */
export const roundMachine = defineStateMachine<RoundStatus>('round', 'DRAFT', {
  DRAFT: ['APPROVED', 'CANCELLED'],
  APPROVED: ['WARMED', 'CANCELLED'],
  WARMED: ['OPEN', 'CANCELLED'],
  OPEN: ['SOLD_OUT', 'CLOSED'],
  SOLD_OUT: ['OPEN', 'CLOSED'],
  CLOSED: ['SETTLED'],
  SETTLED: [],
  CANCELLED: [],
});

/** States that a buyer may see. */
export const PUBLIC_ROUND_STATUSES: readonly RoundStatus[] = [
  'APPROVED',
  'WARMED',
  'OPEN',
  'SOLD_OUT',
  'CLOSED',
  'SETTLED',
];

/** States in which items may be marked as selling, so that the decision accepts claims for them. */
export const SELLING_STATUSES: readonly RoundStatus[] = ['WARMED', 'OPEN', 'SOLD_OUT'];

/** States in which a sale may be stopped and resumed. */
export const STOPPABLE_STATUSES: readonly RoundStatus[] = ['APPROVED', 'WARMED', 'OPEN', 'SOLD_OUT'];

/** States whose rounds still take part in a gate that is loaded anew. */
export function isSellingStatus(status: RoundStatus): boolean {
  return SELLING_STATUSES.includes(status);
}

/** The counters of a sale item, in units. */
export interface ItemCounters {
  readonly quota: number;
  readonly held: number;
  readonly sold: number;
  readonly writtenOff: number;
}

/** Units that may still be claimed. */
export function availableUnits(item: ItemCounters): number {
  return item.quota - item.held - item.sold - item.writtenOff;
}

export interface RoundTimes {
  readonly status: RoundStatus;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly warmAheadMs: number;
}

/** One step of a round, each its own transaction. */
export type RoundStep =
  | { readonly to: 'CANCELLED'; readonly reason: string }
  | { readonly to: 'WARMED' | 'OPEN' | 'SOLD_OUT' | 'CLOSED' | 'SETTLED' };

export const NOT_APPROVED_IN_TIME = 'not approved before it would have closed';
export const MISSED = 'the service was not running while the round would have been open';

/**
 * The step that a round takes now, or undefined when it has to wait. `nowMs` is the clock of the database. A round that
 * was not warmed before its end is cancelled: it cannot have orders. A round that was warmed goes through OPEN even
 * when it is late, because the gate opens by its own clock and may have admitted claims.
 */
export function nextRoundStep(round: RoundTimes, items: readonly ItemCounters[], nowMs: number): RoundStep | undefined {
  switch (round.status) {
    case 'DRAFT':
      return nowMs >= round.closesAtMs ? { to: 'CANCELLED', reason: NOT_APPROVED_IN_TIME } : undefined;
    case 'APPROVED':
      if (nowMs >= round.closesAtMs) return { to: 'CANCELLED', reason: MISSED };
      return nowMs >= round.opensAtMs - round.warmAheadMs ? { to: 'WARMED' } : undefined;
    case 'WARMED':
      return nowMs >= round.opensAtMs ? { to: 'OPEN' } : undefined;
    case 'OPEN':
      if (nowMs >= round.closesAtMs) return { to: 'CLOSED' };
      return anyAvailable(items) ? undefined : { to: 'SOLD_OUT' };
    case 'SOLD_OUT':
      if (nowMs >= round.closesAtMs) return { to: 'CLOSED' };
      return anyAvailable(items) ? { to: 'OPEN' } : undefined;
    case 'CLOSED':
      return items.every((item) => item.held === 0) ? { to: 'SETTLED' } : undefined;
    case 'SETTLED':
    case 'CANCELLED':
      return undefined;
  }
}

/**
 * The state that a cancellation leads to. A round with orders cannot be undone: cancelling it ends the sale at once
 * (CLOSED), and its orders stand. A warmed round whose gate has admitted claims counts as open. Undefined when the
 * round is over.
 */
export function cancellationTarget(
  status: RoundStatus,
  items: readonly ItemCounters[],
): 'CANCELLED' | 'CLOSED' | undefined {
  switch (status) {
    case 'DRAFT':
    case 'APPROVED':
      return 'CANCELLED';
    case 'WARMED':
      return items.some((item) => item.held > 0 || item.sold > 0) ? 'CLOSED' : 'CANCELLED';
    case 'OPEN':
    case 'SOLD_OUT':
      return 'CLOSED';
    case 'CLOSED':
    case 'SETTLED':
    case 'CANCELLED':
      return undefined;
  }
}

/** The states passed on the way from one state to another: a warmed round is opened before it is closed. */
export function pathTo(from: RoundStatus, to: RoundStatus): readonly RoundStatus[] {
  if (roundMachine.allows(from, to)) return [to];
  return from === 'WARMED' && to === 'CLOSED' ? ['OPEN', 'CLOSED'] : [];
}

function anyAvailable(items: readonly ItemCounters[]): boolean {
  return items.some((item) => availableUnits(item) > 0);
}
