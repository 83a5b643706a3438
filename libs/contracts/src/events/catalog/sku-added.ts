import { skuSnapshot } from './sku-snapshot';

/** A SKU was added to a product, with its first price. */
export const skuAdded = skuSnapshot;
