// Makes a round from the template of its series: what the generator and an operator's extra round have in common.
import { newUuid } from '@gravity/kernel';
import type { Opening } from '../../domain/recurrence';
import { roundApproved } from '../../round-events';
import type { NewRound } from '../../storage/rounds.repository';
import type { SeriesItem } from '../../storage/series.repository';
import type { SkuSnapshot } from '../../storage/sku-snapshots.repository';

/**
 * A new round with the items whose SKU is known and listed; undefined when none is. An item carries the price of the
 * template and the version of the catalogue's price that was in force now.
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
