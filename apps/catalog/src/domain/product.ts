// What may be done to a product and its SKUs. Prices are versions: a new price is a new row, never a change of an old one.
import { type Money, type Result, equalMoney, err, ok } from '@gravity/kernel';

export const MAX_SKUS_PER_PRODUCT = 100;

/** Why the catalogue says no. The use cases turn each into its problem code. */
export type CatalogueRefusal =
  | { readonly kind: 'duplicate-code'; readonly code: string }
  | { readonly kind: 'too-many-skus' }
  | { readonly kind: 'no-skus' }
  | { readonly kind: 'same-price' }
  | { readonly kind: 'other-currency'; readonly currency: string };

export interface PriceVersion {
  readonly id: string;
  /** Counted per SKU: 1, 2, 3, … The highest one is the current price. */
  readonly version: number;
  readonly amount: Money;
  readonly effectiveAtMs: number;
}

/** The first price of a SKU. */
export function firstPrice(id: string, amount: Money, nowMs: number): PriceVersion {
  return { id, version: 1, amount, effectiveAtMs: nowMs };
}

/**
 * The version after the current one. Refused when nothing would change, or when the currency would: a SKU keeps its
 * currency for life, so that statements about it can be added up.
 */
export function nextPrice(
  current: PriceVersion,
  id: string,
  amount: Money,
  nowMs: number,
): Result<PriceVersion, CatalogueRefusal> {
  if (current.amount.currency !== amount.currency) {
    return err({ kind: 'other-currency', currency: current.amount.currency });
  }
  if (equalMoney(current.amount, amount)) return err({ kind: 'same-price' });
  // A clock that jumped back must not make a later version take effect before an earlier one.
  const effectiveAtMs = Math.max(nowMs, current.effectiveAtMs);
  return ok({ id, version: current.version + 1, amount, effectiveAtMs });
}

/** Refuses codes that repeat among themselves and more SKUs than a product may have. */
export function checkNewSkus(existing: number, codes: readonly string[]): Result<void, CatalogueRefusal> {
  if (existing + codes.length > MAX_SKUS_PER_PRODUCT) return err({ kind: 'too-many-skus' });
  const seen = new Set<string>();
  for (const code of codes) {
    if (seen.has(code)) return err({ kind: 'duplicate-code', code });
    seen.add(code);
  }
  return ok(undefined);
}

/** A product may be listed once it has something to sell. */
export function checkListable(skuCount: number): Result<void, CatalogueRefusal> {
  return skuCount === 0 ? err({ kind: 'no-skus' }) : ok(undefined);
}
