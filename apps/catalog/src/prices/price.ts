// Prices are versions: a new price is a new row, never a change of an old one. Orders name a version for ever.
import { type Problem, refuse } from '@gravity/contracts';
import { type Clock, equalMoney, type Money, newUuid, ok, type Result } from '@gravity/kernel';

export interface Price {
  readonly id: string;
  /** Counted per SKU: 1, 2, 3, … The highest one is the current price. */
  readonly version: number;
  readonly amount: Money;
  readonly effectiveAtMs: number;
}

/** The first price of a SKU. */
export function firstPrice(amount: Money, clock: Clock): Price {
  return { id: newUuid(clock), version: 1, amount, effectiveAtMs: clock.nowMs() };
}

/**
 * The version after the current one. `invalid-request` when nothing would change, or when the currency would: a SKU keeps
 * its currency for life, so that statements about it can be added up.
 */
export function nextPrice(current: Price, amount: Money, clock: Clock): Result<Price, Problem> {
  const { currency } = current.amount;
  if (currency !== amount.currency) {
    const errors = [{ pointer: '/currency', message: `must be ${currency}` }];
    return refuse('invalid-request', `The SKU is priced in ${currency}; that does not change.`, { errors });
  }
  if (equalMoney(current.amount, amount)) {
    const errors = [{ pointer: '/amount', message: 'must differ from the current price' }];
    return refuse('invalid-request', 'This is the current price already.', { errors });
  }
  // A clock that jumped back must not make a later version take effect before an earlier one.
  const effectiveAtMs = Math.max(clock.nowMs(), current.effectiveAtMs);
  return ok({ id: newUuid(clock), version: current.version + 1, amount, effectiveAtMs });
}
