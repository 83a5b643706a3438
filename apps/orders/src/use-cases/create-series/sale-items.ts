// Turns the items of a request into the template of a sale, or names their faults.
import { type FieldError, type Problem, refuse } from '@gravity/contracts';
import { MONEY_MAX, multiplyMoney, ok, type Result } from '@gravity/kernel';
import { moneyOf, uuidOf } from '@gravity/service';
import type { SeriesItem } from '../../storage/series.repository';
import { findSkuSnapshots, type Queryable, type SkuSnapshot } from '../../storage/sku-snapshots.repository';
import type { SaleItemBody } from './create-series.dto';

export interface SaleItems {
  readonly items: readonly SeriesItem[];
  readonly skus: ReadonlyMap<string, SkuSnapshot>;
}

/** Refusals: `invalid-request` for contradictions, `sku-unknown` for a SKU that is not known here or not listed. */
export async function readSaleItems(
  db: Queryable,
  bodies: readonly SaleItemBody[],
): Promise<Result<SaleItems, Problem>> {
  const skuIds = bodies.map((body) => uuidOf('sku', body.skuId));
  const skus = await findSkuSnapshots(db, skuIds);
  const unsellable = bodies.filter((_, index) => skus.get(skuIds[index]!)?.listed !== true);
  if (unsellable.length > 0) {
    const names = unsellable.map((body) => body.skuId).join(', ');
    return refuse(
      'sku-unknown',
      `Not known here or not listed: ${names.slice(0, 200)}. A SKU is known shortly after it was listed.`,
      {
        errors: bodies.flatMap((body, index) =>
          unsellable.includes(body)
            ? [{ pointer: `/items/${index}/skuId`, message: 'is not known here or not listed' }]
            : [],
        ),
      },
    );
  }
  const items = bodies.map((body, index): SeriesItem => {
    const perOrderLimit = body.perOrderLimit ?? 1;
    return {
      skuId: skuIds[index]!,
      quota: body.quota,
      price: moneyOf(body.price),
      perOrderLimit,
      perBuyerLimit: body.perBuyerLimit ?? perOrderLimit,
      ...(body.regions === undefined ? {} : { regions: body.regions }),
    };
  });
  const errors = items.flatMap((item, index) => faultsOf(item, index, items, skus));
  return errors.length === 0
    ? ok({ items, skus })
    : refuse('invalid-request', 'The items contradict each other.', { errors });
}

function faultsOf(
  item: SeriesItem,
  index: number,
  all: readonly SeriesItem[],
  skus: ReadonlyMap<string, SkuSnapshot>,
): FieldError[] {
  const faults: FieldError[] = [];
  if (all.findIndex((other) => other.skuId === item.skuId) !== index) {
    faults.push({ pointer: `/items/${index}/skuId`, message: 'is on sale in another item already' });
  }
  if (item.perBuyerLimit < item.perOrderLimit) {
    faults.push({ pointer: `/items/${index}/perBuyerLimit`, message: 'must not be less than perOrderLimit' });
  }
  // The largest total of an order must be exact as a JSON number; a claim would find out too late.
  if (multiplyMoney(item.price, item.perOrderLimit).minor > MONEY_MAX) {
    faults.push({
      pointer: `/items/${index}/price/amount`,
      message: `times perOrderLimit must be at most ${MONEY_MAX}`,
    });
  }
  const currency = skus.get(item.skuId)?.currency;
  if (currency !== undefined && currency !== item.price.currency) {
    faults.push({ pointer: `/items/${index}/price/currency`, message: `must be ${currency}, the currency of the SKU` });
  }
  return faults;
}
