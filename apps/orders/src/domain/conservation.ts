// Promise P3 as an equation: quota = available + held + sold + written-off, seen from Postgres and from the gate.
import { availableUnits, type ItemCounters } from './round';

/** The counters of an item in Postgres, read in one statement and so at one instant. Units. */
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

/** The counters of an item in the gate. Units. */
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

/** Equal bad looks in a row that stop a sale. */
export const LOOKS_BEFORE_STOP = 3;

/** The result of one look at one side: unknown, clean, or a fault. A fault counts when it is the same each time. */
export type Finding = 'unknown' | 'clean' | { readonly fault: string };

/**
 * The finding of a look at the gate. A look during which the gate changed proves nothing, nor does one without a gate.
 * The fault names the epoch, so a reloaded gate starts without a suspicion.
 */
export function gateFinding(look: {
  readonly still: boolean;
  readonly epoch: bigint;
  readonly verdict: ConservationVerdict;
}): Finding {
  const { gateDrift } = look.verdict;
  if (!look.still || gateDrift === null) return 'unknown';
  return gateDrift === 0 ? 'clean' : { fault: `the gate of epoch ${look.epoch} offers ${gateDrift} units too many` };
}

/** The finding of a look at Postgres itself. It is exact at any time, if the orders were counted. */
export function ledgerFinding(verdict: ConservationVerdict, counted: boolean): Finding {
  const { heldDrift, soldDrift, available } = verdict;
  if (heldDrift !== 0 || soldDrift !== 0 || available < 0) {
    return { fault: `orders differ from the counters: held ${heldDrift}, sold ${soldDrift}, available ${available}` };
  }
  return counted ? 'clean' : 'unknown';
}

/** A fault and how often in a row it was found. */
export interface Suspicion {
  readonly fault: string;
  readonly looks: number;
}

/**
 * Folds a finding into what was suspected before: a clean one clears, the same fault adds one, another fault starts
 * again at one, and an unknown one changes nothing. A busy and correct sale never gets here. Units on their way between
 * the two sides are either counted (pending claims, noted returns) or change the gate during the look.
 */
export function suspect(before: Suspicion | undefined, finding: Finding): Suspicion | undefined {
  if (finding === 'unknown') return before;
  if (finding === 'clean') return undefined;
  return { fault: finding.fault, looks: before?.fault === finding.fault ? before.looks + 1 : 1 };
}

/** True when a suspicion has become a reason to stop the sale. */
export function mustStop(suspicion: Suspicion | undefined): boolean {
  return suspicion !== undefined && suspicion.looks >= LOOKS_BEFORE_STOP;
}

function distance(value: number, min: number, max: number): number {
  if (value > max) return value - max;
  return value < min ? value - min : 0;
}
