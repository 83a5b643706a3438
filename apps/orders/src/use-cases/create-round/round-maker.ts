// Makes a round from the template of its series, for the generator and for operators.
import { newUuid } from '@gravity/kernel';
import type { Opening } from '../../domain/recurrence';
import { roundApproved } from '../../round-events';
import type { NewRound } from '../../storage/rounds.repository';
import type { SeriesItem } from '../../storage/series.repository';
import type { SkuSnapshot } from '../../storage/sku-snapshots.repository';

/**
 * A new round with the items whose SKU is known and listed; undefined when none is. An item carries the price of the
 * template and the version of the catalogue's price in force.
 */
export function makeRound(
  items: readonly SeriesItem[],
  opening: Opening,
  skus: ReadonlyMap<string, SkuSnapshot>,
  approved: boolean,
): NewRound | undefined {
  const sellable = items.flatMap((item) => {
    const sku = skus.get(item.skuId);
    return sku?.listed === true ? [{ ...item, itemId: newUuid(), sku }] : [];
  });
  if (sellable.length === 0) return undefined;
  return { roundId: newUuid(), ...opening, approved, items: sellable, events: approved ? [roundApproved] : [] };
}
