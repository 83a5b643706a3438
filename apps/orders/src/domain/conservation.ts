// Promise P3 as an equation: quota = available + held + sold + written-off, seen from Postgres and from the gate.
import { availableUnits, type ItemCounters } from './round';

/** What Postgres holds for an item, all read in one statement, hence at one instant. Units. */
export interface LedgerSide extends ItemCounters {
  /** Quantities of the orders that await payment; must equal `held`. Undefined when it was not counted this time. */
  readonly ordersHeld?: number;
  /** Quantities of the paid orders; must equal `sold`. */
  readonly ordersSold?: number;
  /** Claims that the gate holds as pending and that are no live order: the gate took their units, the ledger did not. */
  readonly undecided: number;
  /**
   * Released units whose return to the gate is still noted. Some may have been applied already: the note is deleted
   * after the gate has answered.
   */
  readonly returning: number;
}

/** What the gate holds for an item. Units. */
export interface GateSide {
  readonly available: number;
  readonly claimed: number;
}

export interface ConservationVerdict {
  /** `quota − held − sold − writtenOff`. */
  readonly available: number;
  /** Held according to the orders minus held according to the counter; 0 when not counted. */
  readonly heldDrift: number;
  readonly soldDrift: number;
  /** The least and most units that a correct gate may offer; undefined without a gate. */
  readonly expectedAtGate?: { readonly min: number; readonly max: number };
  /** Units that the gate offers too many (positive) or too few (negative); null without a gate. */
  readonly gateDrift: number | null;
  readonly ok: boolean;
}

/**
 * Judges one item. The gate may offer what Postgres has available, less the claims it let through that Postgres has not
 * decided yet, less released units that are still on their way back to it. The two sides must have been read while the
 * gate did not change (see the watch), or the drift is only an estimate.
 */
export function judgeConservation(ledger: LedgerSide, gate: GateSide | undefined): ConservationVerdict {
  const available = availableUnits(ledger);
  const heldDrift = (ledger.ordersHeld ?? ledger.held) - ledger.held;
  const soldDrift = (ledger.ordersSold ?? ledger.sold) - ledger.sold;
  const ledgerOk = heldDrift === 0 && soldDrift === 0 && available >= 0;
  if (gate === undefined) return { available, heldDrift, soldDrift, gateDrift: null, ok: ledgerOk };
  const max = available - ledger.undecided;
  const expectedAtGate = { min: max - ledger.returning, max };
  const gateDrift = distance(gate.available, expectedAtGate.min, expectedAtGate.max);
  return { available, heldDrift, soldDrift, expectedAtGate, gateDrift, ok: ledgerOk && gateDrift === 0 };
}

/** How many equal bad looks in a row stop a sale. */
export const LOOKS_BEFORE_STOP = 3;

/** What one look at an item said: nothing (the gate was moving), or a verdict under an epoch. */
export type Look = 'moving' | { readonly epoch: bigint; readonly verdict: ConservationVerdict };

export interface Suspicion {
  readonly fault: string;
  readonly looks: number;
}

/**
 * Folds a look into what was suspected before. A look during which the gate moved proves nothing and changes nothing; a
 * clean look clears; the same fault under the same epoch adds one; another fault starts again at one.
 */
export function suspect(before: Suspicion | undefined, look: Look): Suspicion | undefined {
  if (look === 'moving') return before;
  if (look.verdict.ok) return undefined;
  const { heldDrift, soldDrift, gateDrift, available } = look.verdict;
  const overdrawn = Math.min(available, 0);
  const fault = `epoch ${look.epoch}: gate ${gateDrift ?? 'absent'}, held ${heldDrift}, sold ${soldDrift}, overdrawn ${overdrawn}`;
  return { fault, looks: before?.fault === fault ? before.looks + 1 : 1 };
}

/** True when a suspicion has become a reason to stop the sale. */
export function mustStop(suspicion: Suspicion | undefined): boolean {
  return suspicion !== undefined && suspicion.looks >= LOOKS_BEFORE_STOP;
}

function distance(value: number, min: number, max: number): number {
  if (value > max) return value - max;
  return value < min ? value - min : 0;
}
